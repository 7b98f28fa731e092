"""docs/how-to/push.md, team.md and tenants.md, from top to bottom: commands, edits, questions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.test_tutorial import pattern, steps
from tests.acceptance.workplace import REPOSITORY, Workplace

if TYPE_CHECKING:
    from pathlib import Path

HOW_TO = REPOSITORY / "docs" / "how-to"
GIT = {
    f"GIT_{who}_{what}": text
    for who in ("AUTHOR", "COMMITTER")
    for what, text in {"NAME": "ann", "EMAIL": "ann@example.org"}.items()
}


def follow(page: Path, place: Workplace) -> None:
    """Do what a page says; a command fails exactly where the page shows an error."""
    for step in steps(page):
        if step.edit:
            (place.root / "edit.diff").write_text(step.edit)
            result = place.call("git", "apply", "edit.diff")
            (place.root / "edit.diff").unlink()
            assert result.code == 0, f"{page.name}:{step.line}: {result.text}"
            continue
        result = place.call("bash", "-c", f"({step.command}) 2>&1", typing=step.typed)
        about = f"{page.name}:{step.line}: $ {step.command}\n{result.out}"
        assert (result.code != 0) == any("Error: " in each for each in step.expected), about
        assert pattern(step.expected).fullmatch(result.out), about


@pytest.fixture
def local(empty_project: Workplace) -> Iterator[Workplace]:
    """A project whose environments are branches of its own embedded server."""
    yield empty_project
    empty_project.run("local", "stop")


def test_models_are_pushed_as_the_page_shows(local: Workplace) -> None:
    local.good("migrate", "-e", "production", "--yes")
    follow(HOW_TO / "push.md", local)
    # A colleague's revision that writes rows: the push has to go, and the terminal is asked.
    (path,) = (local.root / "app" / "models").glob("books.py")
    path.write_text(path.read_text() + "    pages: Mapped[int | None]\n")
    local.good("push")
    rows = local.good("revision", "-m", "rows", "--json").out
    assert "rows" in rows
    (written,) = (local.root / "alembic" / "versions").glob("*_rows.py")
    update = 'op.execute("UPDATE books SET title = upper(title)")'
    written.write_text(written.read_text().replace("    pass", f"    {update}", 1))
    alone = local.run("migrate")
    assert (alone.code, "branches reset development --parent" in alone.err) == (2, True)
    refused = local.run("migrate", typing="n")
    assert (refused.code, "column public.books.pages" in refused.err) == (4, True)
    assert "Reset development to production" in local.good("migrate", typing="y").err
    assert "none" in local.good("status", "-e", "development").out


def test_two_developers_meet_as_the_page_shows(project: Workplace) -> None:
    place = Workplace(project.root, {**project.variables, **GIT, "LOGNAME": "ann"})
    start = "git init -q -b main && git add . && git commit -q -m 'Begin'"
    assert place.call("bash", "-c", start).code == 0
    place.good("migrate", "-e", "development")
    follow(HOW_TO / "team.md", place)


def test_each_tenant_has_a_schema_as_the_page_shows(project: Workplace) -> None:
    for path in (project.root / "alembic" / "versions").glob("*.py"):
        path.unlink()  # the page begins without a history
    follow(HOW_TO / "tenants.md", project)
