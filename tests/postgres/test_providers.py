"""What every place that branches come from has to do: on this machine, and at Neon's stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from limbeck.branches import base
from limbeck.branches.base import BranchProvider
from limbeck.branches.local import LocalBranches
from limbeck.branches.moment import Source
from limbeck.branches.neon.account import Account
from limbeck.branches.neon.provider import NeonBranches
from limbeck.errors import BranchError
from tests.neon.server import StandIn

NAMES = (
    "plain",
    "Üñïçødé ветка 分支",
    "quo\"te's; DROP DATABASE postgres; --",
    "feature/with/slashes?and=more#&",
    "100%",
    "a b",
    "select",
    "x" * 64,
    "ü" * 256,
    "postgres",
    "template1",
    "limbeck_scratch",
)
ILLEGAL = ("", " ", " a", "a ", "x" * 257, "a\0b", "a\nb")
SOON = timedelta(seconds=1.2)


@pytest.fixture(params=["local", "neon"])
def provider(request: pytest.FixtureRequest) -> Iterator[BranchProvider]:
    """Where branches come from, with the one branch `production`, which is the default."""
    if request.param == "neon":
        standin: StandIn = request.getfixturevalue("standin")
        yield NeonBranches.of(Account(standin.key, standin.project_id, standin.host))
        return
    local = LocalBranches(request.getfixturevalue("branch_server"))
    local.create("production")
    yield local
    while left := local.all():
        for branch in left:
            if not any(other.parent == branch.name for other in left):
                local.protect(branch.name, protected=False)
                local.delete(branch.name)


@pytest.fixture
def production(provider: BranchProvider) -> str:
    """The root branch, with a table of three rows."""
    run(provider, "production", "CREATE TABLE t (id serial PRIMARY KEY, name text)")
    run(provider, "production", "INSERT INTO t (name) VALUES ('a'), ('b'), ('c')")
    return "production"


def run(provider: BranchProvider, branch: str, statement: str) -> Any:
    """Execute on a branch; give the first value of the answer, if there is one."""
    with psycopg.connect(provider.url(branch), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def rows(provider: BranchProvider, branch: str) -> int:
    """Count the table's rows on a branch."""
    return int(run(provider, branch, "SELECT count(*) FROM t"))


def names(provider: BranchProvider) -> list[str]:
    """Give the names of the branches."""
    return [one.name for one in provider.all()]


def test_child_has_its_parents_content_and_then_its_own(
    provider: BranchProvider, production: str
) -> None:
    made = provider.create("development", production)
    assert (made.name, made.parent, made.protected) == ("development", "production", False)
    assert abs(datetime.now(UTC) - made.created_at) < timedelta(minutes=1)
    run(provider, "development", "INSERT INTO t (name) VALUES ('d')")
    assert (rows(provider, "development"), rows(provider, production)) == (4, 3)


def test_branches_are_listed_oldest_first_and_the_oldest_root_is_the_default(
    provider: BranchProvider, production: str
) -> None:
    provider.create("development", production)
    provider.create("another", production)
    assert [(one.name, one.parent, one.default) for one in provider.all()] == [
        ("production", None, True),
        ("development", "production", False),
        ("another", "production", False),
    ]
    assert provider.get("development") == provider.all()[1]


def test_create_and_reset_work_while_the_parent_is_in_use(
    provider: BranchProvider, production: str
) -> None:
    """The parent's session goes on; what it did not commit is not copied."""
    with psycopg.connect(provider.url(production)) as session:
        session.execute("INSERT INTO t (name) VALUES ('uncommitted')")
        provider.create("development", production)
        run(provider, "development", "DELETE FROM t")
        provider.reset("development", production)
        assert rows(provider, "development") == 3
        session.commit()
        assert rows(provider, production) == 4
        new = run(provider, "development", "INSERT INTO t (name) VALUES ('d') RETURNING id")
        assert new in (4, 5), "sequences are copied with their position"


def test_reset_takes_the_parents_content_keeps_the_url_and_ends_the_branchs_sessions(
    provider: BranchProvider, production: str
) -> None:
    before = provider.create("development", production)
    url = provider.url("development")
    run(provider, "development", "DROP TABLE t")
    run(provider, production, "INSERT INTO t (name) VALUES ('new')")
    with psycopg.connect(url) as session:
        session.execute("SELECT 1")
        assert provider.reset("development") == before
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert (rows(provider, "development"), provider.url("development")) == (4, url)


def test_any_printable_name_is_a_branch(provider: BranchProvider, production: str) -> None:
    for name in NAMES:
        provider.create(name, production)
        assert rows(provider, name) == 3
    assert names(provider) == [production, *NAMES]
    provider.create("child of it", NAMES[2])
    assert provider.reset("child of it", NAMES[2]).parent == NAMES[2]
    assert provider.rename(NAMES[3], f"{NAMES[3]}, renamed").name == f"{NAMES[3]}, renamed"


def test_any_other_name_is_refused(provider: BranchProvider, production: str) -> None:
    for name in ILLEGAL:
        for attempt in (
            lambda name=name: provider.create(name, production),
            lambda name=name: provider.rename(production, name),
        ):
            with pytest.raises(BranchError, match="cannot be the name of a branch"):
                attempt()


REFUSALS = {
    "create, there already": (lambda p: p.create("development", "production"), "already"),
    "create, parent unknown": (lambda p: p.create("new", "nowhere"), 'no branch "nowhere"'),
    "create, ends in the past": (
        lambda p: p.create("new", "production", expires_at=datetime(2020, 1, 1, tzinfo=UTC)),
        "has passed",
    ),
    "create, parent ends": (
        lambda p: p.create("new", "ending"),
        "no branch can be created from it",
    ),
    "get, unknown": (lambda p: p.get("nowhere"), 'no branch "nowhere"'),
    "url, unknown": (lambda p: p.url("nowhere"), 'no branch "nowhere"'),
    "url, no such database": (lambda p: p.url("leaf", database="x"), 'no database "x"'),
    "reset, unknown": (lambda p: p.reset("nowhere"), 'no branch "nowhere"'),
    "reset, root": (lambda p: p.reset("production"), "no parent"),
    "reset, not its parent": (lambda p: p.reset("leaf", "production"), "parent of the branch"),
    "reset, unknown parent": (lambda p: p.reset("leaf", "nowhere"), 'no branch "nowhere"'),
    "reset, children": (lambda p: p.reset("development"), "has children"),
    "reset, protected": (lambda p: p.reset("kept"), "protected"),
    "reset, kept under a name in use": (
        lambda p: p.reset("development", preserve_under="leaf"),
        "already",
    ),
    "restore, unknown source": (lambda p: p.restore("leaf", Source("no")), 'no branch "no"'),
    "restore, itself": (lambda p: p.restore("leaf", Source("^self")), "itself"),
    "restore, parent of a root": (
        lambda p: p.restore("production", Source("^parent"), preserve_under="old"),
        "no parent",
    ),
    "restore, children": (lambda p: p.restore("development", Source("leaf")), "has children"),
    "rename, unknown": (lambda p: p.rename("nowhere", "x"), 'no branch "nowhere"'),
    "rename, taken": (lambda p: p.rename("leaf", "kept"), "already"),
    "delete, unknown": (lambda p: p.delete("nowhere"), 'no branch "nowhere"'),
    "delete, children": (lambda p: p.delete("development"), "has children"),
    "delete, protected": (lambda p: p.delete("kept"), "protected"),
    "default, unknown": (lambda p: p.set_default("nowhere"), 'no branch "nowhere"'),
    "end, unknown": (lambda p: p.set_expiration("nowhere", None), 'no branch "nowhere"'),
    "end, default": (lambda p: p.set_expiration("lonely", later()), "default"),
    "end, protected": (lambda p: p.set_expiration("kept", later()), "protected"),
    "end, children": (lambda p: p.set_expiration("development", later()), "children"),
    "snapshot, unknown": (lambda p: p.snapshot("nowhere", "x"), 'no branch "nowhere"'),
    "databases, unknown": (lambda p: p.databases("nowhere"), 'no branch "nowhere"'),
}


def later() -> datetime:
    """Give a time to come, in whole seconds."""
    return (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)


def test_refusals_say_why_and_what_to_do_and_change_nothing(
    provider: BranchProvider, production: str
) -> None:
    provider.create("development", production)
    provider.create("leaf", "development")
    provider.create("kept", production, protected=True)
    provider.create("ending", production, expires_at=later())
    provider.create("lonely", production)
    provider.set_default("lonely")
    before = provider.all()
    for case, (attempt, words) in REFUSALS.items():
        with pytest.raises(BranchError, match=words) as caught:
            attempt(provider)
        assert caught.value.hint, case
        assert provider.all() == before, case


def test_what_a_reset_replaces_is_kept_under_a_name_with_its_children(
    provider: BranchProvider, production: str
) -> None:
    provider.create("development", production)
    run(provider, "development", "DELETE FROM t")
    provider.create("leaf", "development")
    url = provider.url("development")
    provider.reset("development", preserve_under="before")
    assert provider.url("development") == url
    assert (rows(provider, "development"), rows(provider, "before")) == (3, 0)
    assert provider.get("leaf").parent == "before"


def test_restore_takes_another_branchs_content(provider: BranchProvider, production: str) -> None:
    provider.create("good", production)
    provider.create("bad", production)
    run(provider, "bad", "DELETE FROM t")
    url = provider.url("bad")
    assert provider.restore("bad", Source("good")).parent == production
    assert (rows(provider, "bad"), provider.url("bad")) == (3, url)
    run(provider, "good", "DELETE FROM t")
    provider.restore("good", Source("^parent"))
    assert rows(provider, "good") == 3


def test_a_snapshot_brings_back_what_was(provider: BranchProvider, production: str) -> None:
    provider.create("development", production)
    label = provider.snapshot("development", "before 2026/11")
    run(provider, "development", "DROP TABLE t")
    provider.restore("development", Source(label))
    assert rows(provider, "development") == 3


def test_a_renamed_branch_keeps_its_content_and_its_children(
    provider: BranchProvider, production: str
) -> None:
    provider.create("old", production)
    provider.create("leaf", "old")
    assert provider.rename("old", "new").name == "new"
    assert (rows(provider, "new"), provider.get("leaf").parent) == (3, "new")
    assert "old" not in names(provider)


def test_another_branch_may_be_the_default(provider: BranchProvider, production: str) -> None:
    provider.create("main", production)
    assert provider.set_default("main").default
    assert [one.name for one in provider.all() if one.default] == ["main"]


def test_a_branch_ends_by_itself(provider: BranchProvider, production: str) -> None:
    end = datetime.now(UTC) + SOON
    provider.create("short", production, expires_at=end.replace(microsecond=0) + SOON)
    provider.create("long", production)
    assert provider.set_expiration("long", later()).expires_at is not None
    assert provider.set_expiration("long", None).expires_at is None
    deadline = datetime.now(UTC) + 4 * SOON
    while "short" in names(provider) and datetime.now(UTC) < deadline:
        pass
    assert names(provider) == [production, "long"]


def test_a_branch_of_the_schema_alone_is_a_root_without_rows(
    provider: BranchProvider, production: str
) -> None:
    made = provider.create("bare", production, schema_only=True)
    assert (made.parent, rows(provider, "bare")) == (None, 0)


def test_a_branch_that_is_there_is_adopted(provider: BranchProvider, production: str) -> None:
    made, created = base.adopt(provider, "preview/1", production)
    again, anew = base.adopt(provider, "preview/1", production)
    assert (made, created, anew) == (again, True, False)
    with pytest.raises(BranchError, match="its parent is"):
        base.adopt(provider, "preview/1", "preview/1")


def test_a_branchs_databases_are_named(provider: BranchProvider, production: str) -> None:
    (database,) = provider.databases(production)
    assert provider.url(production, database=database) == provider.url(production)
