"""Prove a drafted revision: run it up and down on the shadow, and compare the catalogs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.engine import running
from limbeck.engine.terms import PLAIN
from limbeck.errors import MigrationError, ProofError
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.plurals import counted
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project.project import Project
from limbeck.schema.catalog import difference
from limbeck.schema.catalog.catalog import Catalog, Change
from limbeck.schema.catalog.filters import Filters
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.read import read
from limbeck.shadow.filters import filters
from limbeck.shadow.shadow import Shadow
from limbeck.stages import Stage

SHOWN_CHANGES = 10
HINT = "Please report this, with the message above."
OWN = (
    "No statement of Postgres makes a table's own column or check one that it only has from a "
    "parent. Declare it in the model of the child as well, or create a new table and copy the rows."
)


class UnrunnableError(ProofError):
    """A drafted revision fails on the shadow."""


@dataclass(frozen=True, slots=True)
class Premises:
    """The catalogs before and after a revision; `template` is the replayed history."""

    project: Project
    shadow: Shadow
    template: str
    before: Catalog
    after: Catalog


@contextmanager
def proven(
    premises: Premises, history: History, revision: Revision, stage: Stage
) -> Iterator[tuple[Database, Catalog]]:
    """Yield the upgraded scratch database and its catalog, once both directions are proven.

    Args:
        premises: The catalogs before and after the revision.
        history: The history of the draft.
        revision: The revision.
        stage: Counts the statements; it ends when both directions are proven.

    Raises:
        ProofError: The upgrade does not make `after`, or the downgrade does not make `before`.

    """
    own, shadow = filters(premises.project), premises.shadow
    with shadow.scratch(premises.template) as upgraded:
        with _session(upgraded) as connection:
            since = shadow.mark(premises.template, connection)

            def look() -> Catalog:
                return difference.read_changed(connection, premises.before, since, filters=own)

            _run(connection, history, [revision], stage)
            up = look()
            compare("upgrade", up, premises.after)
            up.take_fingerprint(premises.after)
            down = _tried(connection, history, revision, look, stage)
        if down is None:
            with shadow.scratch(upgraded.dbname) as copy:
                down = run(history, [revision], copy, own, stage, downgrade=True)
        compare("downgrade", down, premises.before)
        stage.end()
        yield upgraded, up


def _tried(
    connection: Connection,
    history: History,
    revision: Revision,
    look: Callable[[], Catalog],
    stage: Stage,
) -> Catalog | None:
    """Return the catalog after a downgrade, which is rolled back; None where it cannot be."""
    catalogs: list[Catalog] = []
    earlier, terms = stage.done, replace(PLAIN, stage=stage)

    def append() -> None:
        catalogs.append(look())

    with _refusing():
        running.tried(history, connection, revision, append, downgrade=True, terms=terms)
    if not catalogs:  # its statements come again
        stage.done = earlier
    return catalogs[0] if catalogs else None


def run(  # noqa: PLR0913 - what, on what, which way
    history: History,
    revisions: Sequence[Revision],
    database: Database,
    own: Filters,
    stage: Stage,
    *,
    downgrade: bool = False,
) -> Catalog:
    """Run drafted revisions on a scratch database, and return its catalog.

    Args:
        history: The history of the draft.
        revisions: The revisions, in the order in which they run.
        database: The scratch database.
        own: What the project looks at.
        stage: Counts the statements.
        downgrade: Whether to run their downgrades.

    Raises:
        UnrunnableError: A revision fails.

    """
    with _session(database) as connection:
        _run(connection, history, revisions, stage, downgrade=downgrade)
        return read(connection, filters=own)


def _run(
    connection: Connection,
    history: History,
    revisions: Sequence[Revision],
    stage: Stage,
    *,
    downgrade: bool = False,
) -> None:
    with _refusing():
        terms = replace(PLAIN, stage=stage)
        running.run(history, connection, revisions, downgrade=downgrade, terms=terms)


@contextmanager
def _session(database: Database) -> Iterator[Connection]:
    with connect(database) as connection:
        # The database is dropped afterwards: nothing of it has to survive a crash.
        connection.execute("SET synchronous_commit = off")
        yield connection


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except MigrationError as error:
        raise UnrunnableError(
            f"the drafted revision fails on the shadow; nothing was written: {error.message}",
            hint=HINT,
        ) from error


def compare(direction: str, actual: Catalog, wanted: Catalog) -> None:
    """Raise a ProofError unless a direction of the drafted revision has made what it should."""
    if changes := actual.changes_to(wanted):
        lines = [_described(change) for change in changes[:SHOWN_CHANGES]]
        if len(changes) > SHOWN_CHANGES:
            lines.append(f"  and {len(changes) - SHOWN_CHANGES} more")
        raise ProofError(
            f"the {direction} of the drafted revision leaves {counted(len(changes), 'object')} in "
            "the wrong state; nothing was written:\n" + "\n".join(lines),
            hint=OWN if all(map(_only_inherited, changes)) else HINT,
        )


def _only_inherited(change: Change) -> bool:
    """Return whether a child table only has as its own what it must have from a parent alone."""
    before, after = change.before, change.after
    if isinstance(before, Column) and isinstance(after, Column):
        required, not_null = before.not_null, after.not_null
        if required and not_null:  # its name is that of the parent's if it is inherited alone
            required = replace(required, inherited=not_null.inherited, name=not_null.name)
        return replace(before, inherited=after.inherited, not_null=required) == after
    if isinstance(before, Constraint) and isinstance(after, Constraint):
        return replace(before, inherited=after.inherited) == after
    return False


def _described(change: Change) -> str:
    if change.before is None:
        return f"  {change.address} is missing"
    if change.after is None:
        return f"  {change.address} should not exist"
    names = [
        name
        for name in change.before.__dataclass_fields__
        if getattr(change.before, name) != getattr(change.after, name, None)
    ]
    differences = ", ".join(
        f"{name} is {getattr(change.before, name)!r}, not {getattr(change.after, name, None)!r}"
        for name in names
    )
    return f"  {change.address}: {differences}"
