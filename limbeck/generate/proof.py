"""Run a drafted revision up and down on the shadow, and compare what it makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from limbeck.engine import running
from limbeck.errors import MigrationError, ProofError
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog, Change
from limbeck.schema.catalog.filters import Filters
from limbeck.schema.catalog.read import read
from limbeck.shadow.filters import filters
from limbeck.shadow.shadow import Shadow

SHOWN_CHANGES = 10
HINT = "Nothing was written. Please report it, with the two definitions above."


class UnrunnableError(ProofError):
    """A drafted revision does not run to its end on the shadow."""


@dataclass(frozen=True, slots=True)
class Premises:
    """What a proof starts from and must come to; `template` holds the replayed history."""

    project: Project
    shadow: Shadow
    template: str
    before: Catalog
    after: Catalog


@contextmanager
def proven(
    premises: Premises, history: History, revision: Revision
) -> Iterator[tuple[Database, Catalog]]:
    """Give the upgraded scratch database and its catalog, once both ways are proven.

    Raises:
        ProofError: the upgrade does not give `after`, or the downgrade does not give `before`.

    """
    kept, shadow = filters(premises.project), premises.shadow
    with shadow.scratch(premises.template) as upgraded:
        up = _run(history, revision, upgraded, kept)
        _same("upgrade", up, premises.after)
        with shadow.scratch(upgraded.dbname) as copy:
            down = _run(history, revision, copy, kept, downgrade=True)
            _same("downgrade", down, premises.before)
        yield upgraded, up


def _run(
    history: History,
    revision: Revision,
    database: Database,
    kept: Filters,
    *,
    downgrade: bool = False,
) -> Catalog:
    with connect(database) as connection:
        connection.execute("SET synchronous_commit = off")
        try:
            running.run(history, connection, [revision], downgrade=downgrade)
        except MigrationError as error:
            raise UnrunnableError(
                f"the revision that was made does not run on the shadow: {error.message}",
                hint=HINT,
            ) from error
        return read(connection, filters=kept)


def _same(direction: str, made: Catalog, wanted: Catalog) -> None:
    if changes := made.changes_to(wanted):
        lines = [_told(change) for change in changes[:SHOWN_CHANGES]]
        if len(changes) > SHOWN_CHANGES:
            lines.append(f"  and {len(changes) - SHOWN_CHANGES} more")
        raise ProofError(
            f"the {direction} of the revision that was made leaves {len(changes)} objects "
            "other than they should be:\n" + "\n".join(lines),
            hint=HINT,
        )


def _told(change: Change) -> str:
    if change.before is None:
        return f"  {change.address} is missing"
    if change.after is None:
        return f"  {change.address} should not be there"
    names = [
        name
        for name in change.before.__dataclass_fields__
        if getattr(change.before, name) != getattr(change.after, name, None)
    ]
    told = ", ".join(
        f"{name} is {getattr(change.before, name)!r}, not {getattr(change.after, name, None)!r}"
        for name in names
    )
    return f"  {change.address}: {told}"
