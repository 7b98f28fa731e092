"""The everyday workflow, through the installed command, on real databases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from limbeck.engine import running
from limbeck.history.history import History
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.settings import Project
from tests.acceptance.workplace import REPOSITORY, Workplace

FIELD = "    published_year: Mapped[int | None]\n"
ADDED = f"{FIELD}    isbn: Mapped[str | None]\n"


def edit(place: Workplace, old: str = FIELD, new: str = ADDED) -> None:
    """Change the model of books."""
    path = place.root / "app" / "models" / "books.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def environments(place: Workplace) -> dict[str, dict[str, Any]]:
    """What `status --json` says, by environment."""
    found = json.loads(place.good("status", "--json").out)["environments"]
    return {each["environment"]: each for each in found}


def go_through(place: Workplace, *agreed: str) -> None:
    """Edit, generate, migrate development, look, migrate production, pull: nothing is left."""
    place.good("migrate")
    edit(place)
    made = json.loads(place.good("generate", "-m", "give books an isbn", "--json").out)
    assert made["message"] == "give books an isbn"
    assert [step["object"] for step in made["steps"]] == ["column public.books.isbn"]
    assert (place.root / made["path"]).exists()
    assert "No changes" in place.good("generate").out
    place.good("migrate")
    stand = environments(place)
    assert stand["development"]["clean"]
    assert stand["development"]["current"] == [made["revision"]]
    assert len(stand["production"]["pending"]) == 2
    assert place.run("check", "-e", "production").code == 3
    typing = None if agreed else "production"
    report = place.good("migrate", "-e", "production", *agreed, typing=typing)
    assert "books(" in report.out
    assert "isbn text" in report.out
    assert place.good("check", "-e", "production", "-e", "development").out.startswith("ok")
    assert "No changes" in place.good("pull", "-e", "production").out
    assert "No changes" in place.good("generate").out
    assert "No differences" in place.good("diff", "development", "production").out


@pytest.fixture
def migrated(project: Workplace) -> Workplace:
    """The project, its history applied to development, for tests of what comes afterwards."""
    url = project.urls["DATABASE_URL_DEVELOPMENT"]
    with connect(Database.from_url("development", url)) as connection:
        running.upgrade(History.of(Project.find(project.root)), connection)
    return project


def test_the_guides_workflow(project: Workplace) -> None:
    go_through(project)


def test_generate_works_while_the_live_databases_are_down(project: Workplace) -> None:
    edit(project)
    down = "postgresql://u:p@127.0.0.1:9/x"
    result = project.good("generate", DATABASE_URL_DEVELOPMENT=down, DATABASE_URL_PRODUCTION=down)
    assert "Proved" in result.out


def test_a_loss_of_data_needs_allow_drop_where_nobody_can_be_asked(project: Workplace) -> None:
    edit(project, FIELD, "")
    before = project.files()
    refused = project.run("generate")
    assert refused.code == 4
    assert "public.books.published_year" in refused.err
    assert "--allow-drop" in refused.err
    assert project.files() == before
    stopped = project.run("generate", typing="yes\n\n2")  # only a number is an answer
    assert stopped.code == 4
    assert stopped.err.count("Type a number from 1 to 2.") == 2
    assert project.files() == before
    assert "drop column public.books.published_year" in project.good("generate", typing="1").out


RENAMED = FIELD.replace("published_year", "year_published")


def test_a_rename_is_asked_on_a_terminal_and_answered_by_a_flag(project: Workplace) -> None:
    edit(project, FIELD, RENAMED)
    before = project.files()
    answer = "--rename public.books.published_year:public.books.year_published"
    refused = project.run("generate")
    assert refused.code == 4
    assert answer in refused.text
    assert project.files() == before
    asked = project.good("generate", typing="1")
    assert "1) it is renamed to year_published" in asked.err
    assert "2) it is dropped" in asked.err
    assert "Number [1]: " in asked.err
    assert "published_year → year_published" in asked.out
    (made,) = project.files().keys() - before.keys()
    (project.root / made).unlink()
    renamed = json.loads(project.good("generate", *answer.split(), "--json").out)
    assert [step["verb"] for step in renamed["steps"]] == ["rename"]
    (project.root / renamed["path"]).unlink()
    verbs = json.loads(project.good("generate", "--no-rename", "--allow-drop", "--json").out)
    assert {step["verb"] for step in verbs["steps"]} == {"drop", "create"}


def test_rollback_takes_back_and_migrate_brings_back(migrated: Workplace) -> None:
    (revision,) = environments(migrated)["development"]["current"]
    assert "DROP TABLE books" in migrated.good("rollback", "--dry-run").out
    assert migrated.run("rollback", "-e", "production").code == 2
    taken = json.loads(migrated.good("rollback", "--json").out)
    assert [each["id"] for each in taken["applied"]] == [revision]
    assert taken["current"] == []
    assert json.loads(migrated.good("migrate", "--json").out)["current"] == [revision]


def test_the_script_of_a_plan_does_the_same_in_psql(
    project: Workplace, make_database: Callable[[str], Any]
) -> None:
    script = project.good("migrate", "-e", "production", "--sql").out
    other = make_database("script").url
    with psycopg.connect(other, autocommit=True) as connection:
        connection.execute(script.encode())
    assert "No differences" in project.good("diff", "head", other).out
    assert environments(project)["production"]["current"] == []


def test_two_heads_are_joined_by_merge(project: Workplace) -> None:
    versions = project.root / "alembic" / "versions"
    (head,) = (path.stem.split("_")[3] for path in versions.glob("*.py"))
    for name in ("mine", "theirs"):
        (versions / f"{name}.py").write_text(
            f'"""{name}"""\nfrom alembic import op\nrevision = "{name}1"\n'
            f'down_revision = "{head}"\n'
            f'def upgrade():\n    op.execute("CREATE TABLE {name} (id int)")\n'
            f'def downgrade():\n    op.execute("DROP TABLE {name}")\n'
        )
    assert project.run("migrate").code == 1
    assert "both orders make the same schema" in project.good("merge").out
    assert "mine(id integer)" in project.good("migrate").out


def test_pull_takes_over_what_was_made_by_hand_and_leaves_the_rest_as_it_was(
    migrated: Workplace,
) -> None:
    migrated.good(
        "psql", "--", "-qc", "CREATE TABLE tags (id serial PRIMARY KEY, name text NOT NULL UNIQUE)"
    )
    authors = (migrated.root / "app" / "models" / "authors.py").read_bytes()
    shown = migrated.good("pull")
    assert "+class Tag(Base):" in shown.out
    assert not (migrated.root / "app" / "models" / "tags.py").exists()
    refused = migrated.run("pull", "--write")
    assert refused.code == 2
    assert "are not committed" in refused.err
    migrated.good("pull", "--write", "--force")
    assert (migrated.root / "app" / "models" / "authors.py").read_bytes() == authors
    assert "create table public.tags" in migrated.good("generate").out


def test_a_baseline_takes_a_database_over(migrated: Workplace) -> None:
    for path in (migrated.root / "alembic" / "versions").glob("*.py"):
        path.unlink()
    with psycopg.connect(migrated.urls["DATABASE_URL_DEVELOPMENT"], autocommit=True) as connection:
        connection.execute("DROP TABLE alembic_version")
    assert migrated.run("pull", "--baseline").code == 4
    result = migrated.good("pull", "--baseline", "--yes", "--force")
    assert "is stamped" in result.out
    assert environments(migrated)["development"]["clean"]
    assert "No changes" in migrated.good("generate").out
    migrated.good("migrate", "-e", "production", "--yes")
    assert "No differences" in migrated.good("diff", "development", "production").out
    assert migrated.run("pull", "--baseline", "--yes").code == 1


def test_pull_and_diff_work_outside_a_project(migrated: Workplace, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shadow, development, production = migrated.urls.values()
    script = migrated.good("diff", production, development, "--sql", cwd=elsewhere).out
    assert "CREATE TABLE public.books" in script
    pulled = migrated.good(
        "pull", "--url", development, "--out", "m.py", cwd=elsewhere, SHADOW_DATABASE_URL=shadow
    )
    assert "exact" in pulled.out
    assert "class Book(Base)" in (elsewhere / "m.py").read_text()


@pytest.fixture
def local(empty_project: Workplace) -> Iterator[Workplace]:
    """A project on an embedded Postgres of its own."""
    yield empty_project
    empty_project.run("local", "stop")


def assert_a_loss_is_asked_about(local: Workplace, branch: str, url: str) -> None:
    """A branch with a change of the schema is one; one that is as its parent is deleted at once."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE by_hand ()")
    assert local.run("branches", "delete", branch).code == 4
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE by_hand")
    local.good("branches", "delete", branch)


def test_branches_on_the_embedded_server(local: Workplace) -> None:
    local.good("migrate")
    listed = json.loads(local.good("branches", "list", "-o", "json").out)
    assert {(each["name"], each["parent"], each["protected"]) for each in listed} == {
        ("production", None, True),
        ("development", "production", False),
    }
    assert json.loads(local.good("branches", "create", "try-it", "-o", "json").out) == {
        **json.loads(local.good("branches", "get", "try-it", "-o", "json").out),
        "parent": "production",
    }
    url = local.good("url").out
    assert local.run("branches", "reset", "development", "--parent", "production").code == 4
    local.good("branches", "reset", "development", "--parent", "production", "--yes")
    assert local.good("url").out == url
    assert environments(local)["development"]["current"] == []
    for arguments in (
        ("reset", "development", "--parent", "try-it"),
        ("delete", "production"),
        ("reset", "production", "--parent"),
        ("get", "nowhere"),
        ("create", "try-it"),
    ):
        assert local.run("branches", *arguments).code == 1, arguments
    assert_a_loss_is_asked_about(local, "try-it", url.strip().replace("development", "try-it"))
    local.good("branches", "create", "try-it")
    assert "name: try-it" in local.good("branches", "delete", "try-it", "-o", "yaml", "--yes").out
    assert local.run("branches", "reset", "development").code == 2
    assert "running" in local.good("local", "status").out
    assert json.loads(local.good("local", "status", "--json").out)["running"]
    assert local.good("local", "stop").out == "Stopped.\n"
    assert not json.loads(local.good("local", "status", "--json").out)["running"]


def test_nothing_is_written_outside_the_project_and_the_cache(local: Workplace) -> None:
    home = Path(local.variables["HOME"])
    local.good("migrate")
    local.good("generate")
    assert {path.relative_to(home).parts[0] for path in home.rglob("*")} <= {".cache"}
    written = {name.split("/")[0] for name in local.files()}
    assert written <= {path.name for path in REPOSITORY.iterdir()}


def test_json_is_the_only_thing_on_stdout(migrated: Workplace) -> None:
    # The tests above read the JSON of status, migrate and rollback.
    for command in (
        ["migrate", "-e", "production", "--dry-run"],
        ["check"],
        ["generate"],
        ["diff", "head", "models"],
        ["pull"],
    ):
        result = migrated.run(*command, "--json")
        assert isinstance(json.loads(result.out), dict), command
