"""Hooks: when they are called, with what, and what happens when one of them fails."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from limbeck import migrate
from limbeck.cli import group
from limbeck.engine import running
from limbeck.errors import (
    CheckFailedError,
    ConfigurationError,
    HookError,
    LimbeckError,
    MigrationError,
    NotConfirmedError,
)
from limbeck.events import Event, Notice
from limbeck.migrate import Hooks, Plan
from limbeck.settings import Project

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

NAMES = (
    "before_plan",
    "after_plan",
    "before_run",
    "before_revision",
    "after_revision",
    "after_run",
    "on_failure",
)


def yes(_: Plan) -> bool:
    return True


class Recorder:
    """Hooks that write down that they were called and what the database held; one may fail."""

    def __init__(self, connection: psycopg.Connection, **failing: Exception) -> None:
        self.connection = connection
        self.failing = failing
        self.calls: list[tuple[str, tuple[str, ...]]] = []

    def hooks(self) -> Hooks:
        """Return all of them."""
        two = {"before_plan", "before_revision", "after_revision", "after_run", "on_failure"}
        return Hooks(**{name: self.hook(name, two=name in two) for name in NAMES})

    def hook(self, name: str, *, two: bool) -> Callable[..., None]:
        """Return one of them, which takes one argument or two."""

        def note() -> None:
            rows = self.connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            )
            self.calls.append((name, tuple(row[0] for row in rows if row[0] != "alembic_version")))
            if error := self.failing.get(name):
                raise error

        def with_one(plan: Plan) -> None:  # noqa: ARG001 - the hook's own signature
            note()

        def with_two(plan: Any, more: Any) -> None:  # noqa: ARG001 - as above
            note()

        return with_two if two else with_one

    @property
    def names(self) -> list[str]:
        """Which were called."""
        return [name for name, _ in self.calls]


def two(work: Work) -> None:
    work.revision("one", "create table one ()", "drop table one")
    work.revision("two", "create table two ()", "drop table two")


def run(work: Work, database: Database, recorder: Recorder) -> migrate.Report:
    plan = migrate.plan(work.project, work.profile, database, hooks=recorder.hooks())
    return migrate.apply(plan, confirm=yes)


def test_they_are_called_in_order_before_and_after_what_they_are_named_for(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    two(work)
    recorder = Recorder(connection)
    run(work, database, recorder)
    assert recorder.calls == [
        ("before_plan", ()),
        ("after_plan", ()),
        ("before_run", ()),
        ("before_revision", ()),
        ("after_revision", ("one",)),
        ("before_revision", ("one",)),
        ("after_revision", ("one", "two")),
        ("after_run", ("one", "two")),
    ]


def test_with_nothing_to_do_only_those_of_the_plan_are_called(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    recorder = Recorder(connection)
    run(work, database, recorder)
    assert recorder.names == ["before_plan", "after_plan"]


def test_what_is_not_confirmed_is_neither_begun_nor_a_failure(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    two(work)
    recorder = Recorder(connection)
    plan = migrate.plan(work.project, work.profile, database, hooks=recorder.hooks())
    with pytest.raises(NotConfirmedError):
        migrate.apply(plan, confirm=lambda _: False)
    assert recorder.names == ["before_plan", "after_plan"]


def test_a_hook_may_render_the_plan_in_the_middle_of_a_run(work: Work, database: Database) -> None:
    body = "assert not context.is_offline_mode() and context.get_context() is op.get_context()"
    for name in ("one", "two"):
        work.revision(name, body, imports=("from alembic import context",))
    texts: list[str] = []

    def render(plan: migrate.Plan, _: object) -> None:
        texts.extend(each.sql for each in plan.revisions)

    plan = migrate.plan(work.project, work.profile, database, hooks=Hooks(before_revision=render))
    migrate.apply(plan, confirm=yes)
    assert len(texts) == 4


def test_a_rollback_has_the_same_hooks(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    two(work)
    running.upgrade(work.history, connection)
    recorder = Recorder(connection)
    plan = migrate.rollback_plan(work.project, work.profile, database, hooks=recorder.hooks())
    migrate.apply(plan, confirm=yes)
    assert recorder.calls[-3:] == [
        ("before_revision", ("one", "two")),
        ("after_revision", ("one",)),
        ("after_run", ("one",)),
    ]


FAILING = {
    "before_plan": ((), ["before_plan"], ""),
    "after_plan": ((), ["before_plan", "after_plan"], ""),
    "before_run": ((), [*NAMES[:3], "on_failure"], "applied: nothing; not applied: "),
    "before_revision": ((), [*NAMES[:4], "on_failure"], "applied: nothing; not applied: "),
    "after_revision": (("one",), [*NAMES[:5], "on_failure"], "(one); not applied: "),
    "after_run": (
        ("one", "two"),
        [*NAMES[:5], "before_revision", "after_revision", "after_run", "on_failure"],
        "(two); not applied: nothing",
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_one_that_fails_stops_the_work_and_says_what_is_done(
    name: str, work: Work, database: Database, connection: psycopg.Connection
) -> None:
    two(work)
    tables, called, standing = FAILING[name]
    recorder = Recorder(connection, **{name: ValueError("no snapshot")})
    with pytest.raises(HookError) as caught:
        run(work, database, recorder)
    said = caught.value.message
    assert f"the hook {name} failed: " in said
    assert "ValueError: no snapshot" in said
    assert "test_hooks.py line " in said
    assert standing in said
    assert recorder.names == called
    recorder.calls.clear()
    recorder.hook("end", two=False)(None)
    assert recorder.calls == [("end", tables)]


def test_after_one_that_failed_the_next_run_goes_on(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    two(work)
    with pytest.raises(HookError):
        run(work, database, Recorder(connection, after_revision=RuntimeError("stop")))
    report = run(work, database, Recorder(connection))
    assert [one.message for one in report.applied] == ["two"]


def test_an_error_of_limbeck_s_own_keeps_its_exit_code(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    two(work)
    recorder = Recorder(connection, before_run=CheckFailedError("not on a Friday"))
    with pytest.raises(CheckFailedError, match="not on a Friday"):
        run(work, database, recorder)
    assert recorder.names[-1] == "on_failure"


def test_a_revision_that_fails_is_told_and_stays_the_error_that_is_raised(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    work.revision("broken", "create table no_such_schema.t ()")
    told: list[Event] = []
    recorder = Recorder(connection, on_failure=RuntimeError("the pager is down"))
    plan = migrate.plan(work.project, work.profile, database, hooks=recorder.hooks())
    with pytest.raises(MigrationError, match="no_such_schema"):
        migrate.apply(plan, confirm=yes, listen=told.append)
    assert recorder.names == [*NAMES[:4], "on_failure"]
    notices = [event.text for event in told if isinstance(event, Notice)]
    assert any("on_failure failed: " in one and "the pager is down" in one for one in notices)


def test_a_hook_that_cannot_be_called_is_refused_at_once() -> None:
    async def later(plan: Plan) -> None: ...

    cases: dict[str, Any] = {
        "not a function": 5,
        "is a coroutine": later,
        "cannot be called as before_run(plan)": lambda: None,
    }
    for said, function in cases.items():
        with pytest.raises(ConfigurationError) as caught:
            Hooks(before_run=function)
        assert said in caught.value.message
        assert caught.value.hint == "def before_run(plan): ..."


@pytest.fixture
def hooked(work: Work) -> Iterator[Work]:
    """A project whose setting names a module for its hooks; what was imported is forgotten."""
    path = work.project.root / "pyproject.toml"
    path.write_text(path.read_text() + 'hooks = "own_hooks"\n')
    before, path_before = set(sys.modules), list(sys.path)
    yield work
    for name in set(sys.modules) - before:
        if name == "own_hooks":
            del sys.modules[name]
    sys.path[:] = path_before


MODULES = {
    "it has no hook": ("X = 1\n", "own_hooks has no hook"),
    "a misspelt one": (
        "def befor_run(plan): ...\ndef before_runs(plan): ...\n",
        "own_hooks.before_runs is not a hook",
    ),
    "too many arguments": ("def before_run(plan, connection): ...\n", "before_run(plan)"),
    "it does not import": ("import no_such_thing\n", "the hooks do not import: own_hooks.py line"),
}


@pytest.mark.parametrize("case", MODULES)
def test_a_module_that_cannot_be_meant_is_refused(case: str, hooked: Work) -> None:
    text, said = MODULES[case]
    (hooked.project.root / "own_hooks.py").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        Hooks.of(Project.find(hooked.project.root))
    assert said in caught.value.message
    assert caught.value.hint


def test_a_module_that_is_not_there_is_named(hooked: Work) -> None:
    with pytest.raises(ConfigurationError, match="there is no module own_hooks"):
        Hooks.of(Project.find(hooked.project.root))


def limbeck(work: Work, *arguments: str) -> tuple[int, str, str]:
    """Run a command in this process; what it said after an error was raised is in the error."""
    result = CliRunner().invoke(group, ["--project", str(work.project.root), *arguments])
    if isinstance(result.exception, LimbeckError):
        return result.exception.exit_code, result.stdout, result.exception.message
    return result.exit_code, result.stdout, result.stderr


def test_the_command_calls_the_hooks_of_the_setting(hooked: Work) -> None:
    two(hooked)
    noted = hooked.project.root / "noted"
    (hooked.project.root / "own_hooks.py").write_text(
        "from pathlib import Path\n"
        "def _note(text):\n"
        "    print('said aloud')\n"
        f"    with Path({str(noted)!r}).open('a') as file: file.write(text + '\\n')\n"
        "def before_run(plan): _note('before ' + plan.environment)\n"
        "def after_revision(plan, revision): _note('after ' + revision.message)\n"
    )
    code, out, _ = limbeck(hooked, "migrate", "--json")
    assert code == 0
    assert out.startswith("{")
    assert noted.read_text().splitlines() == ["before development", "after one", "after two"]
    assert limbeck(hooked, "rollback", "--yes")[0] == 0
    assert noted.read_text().splitlines()[-2:] == ["before development", "after two"]


def test_the_command_stops_where_a_hook_raises(
    hooked: Work, connection: psycopg.Connection
) -> None:
    two(hooked)
    (hooked.project.root / "own_hooks.py").write_text(
        "def before_run(plan):\n    raise RuntimeError('no backup')\n"
    )
    code, _, said = limbeck(hooked, "migrate")
    assert code == 1
    assert "the hook before_run failed: " in said
    assert "RuntimeError: no backup" in said
    assert "own_hooks.py line 2" in said
    assert connection.execute("SELECT to_regclass('one')").fetchone() == (None,)


def test_the_module_of_the_how_to_works_as_it_stands(hooked: Work) -> None:
    two(hooked)
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "hooks.md").read_text(encoding="utf-8")
    module = re.search(r"```python\n# app/hooks.py\n(.*?)```", page, re.DOTALL)
    assert module
    (hooked.project.root / "own_hooks.py").write_text(module[1])
    assert limbeck(hooked, "migrate")[0] == 0
    hooked.revision("broken", "create table no_such_schema.t ()")
    code, _, said = limbeck(hooked, "migrate")
    assert code == 1
    assert "no_such_schema" in said
