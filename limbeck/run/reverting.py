"""Take back the half of a revision whose upgrade was interrupted; used by `limbeck rollback`.

The downgrade of a revision expects all of it. So limbeck brings a scratch database to the same
half, and the difference from there to the schema before the revision takes the half back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from limbeck.engine import ledger, running
from limbeck.engine.batch import Statement, send_together
from limbeck.engine.ledger import Entry
from limbeck.engine.patience import Patience
from limbeck.errors import MigrationError
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.postgres.duration import seconds
from limbeck.run.drift import named
from limbeck.run.halves import Comparison, Sides
from limbeck.schema.catalog.catalog import Catalog, Change
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare
from limbeck.schema.sql.quoting import literal
from limbeck.shadow.filters import filters
from limbeck.shadow.shadow import Shadow
from limbeck.shell import command

# A body may name an object that is gone already.
_UNCHECKED = "SET LOCAL check_function_bodies = off"


@dataclass(frozen=True, slots=True)
class Reversal:
    """What takes the committed steps of a revision back: statements of one transaction."""

    revision: Revision
    steps: int
    statements: tuple[str, ...]

    def script(self) -> str:
        """Return the transaction for psql, with the ledger's part."""
        forget = (
            "DELETE FROM limbeck_state.ledger"
            f" WHERE revision = {literal(self.revision.id)} AND finished IS NULL;"
        )
        return f"BEGIN;\n{_UNCHECKED};\n{self.sql}{forget}\nCOMMIT;"

    @property
    def sql(self) -> str:
        """The statements as a script."""
        return "".join(f"{statement};\n" for statement in self.statements)


def reversal(
    comparison: Comparison, history: History, current: tuple[str, ...], entry: Entry
) -> Reversal:
    """Return what takes a half-done upgrade back, proved on the shadow.

    Args:
        comparison: the database.
        history: its revision files.
        current: the rows of its version table.
        entry: the row of the revision in its ledger.

    Raises:
        MigrationError: the half cannot be taken back without a loss, or the database is not as
            the committed steps have left it.

    """
    revision = history.find(entry.revision)[0]
    before = comparison.replay(Sides.of(history, current, revision).without)
    bench = _Bench(comparison, history, revision, before.template())
    wanted, steps = before.catalog(), entry.steps
    if entry.doubt is not None and bench.has_run(steps):
        steps += 1
    half = bench.after(steps)
    touched = wanted.changes_to(half)
    _refuse_loss(bench, steps, touched)
    addresses = {change.address for change in touched}
    if not _within(comparison.live.changes_to(wanted), addresses):
        return Reversal(revision, steps, ())
    if others := _within(comparison.live.changes_to(half), addresses):
        raise MigrationError(
            f"{comparison.profile.name} is not as step {steps} of revision {revision} has left it: "
            f"{named(others)}; nothing was done",
            hint=bench.hint,
        )
    sql = tuple(step.sql for step in compare.steps(half, wanted))
    bench.prove(steps, sql, wanted)
    return Reversal(revision, steps, sql)


def take_back(
    reversal: Reversal, connection: Connection, database: Database, listen: Listener
) -> None:
    """Take a half back in one transaction, in which the ledger forgets it, too.

    Args:
        reversal: what to do.
        connection: where, with the migration lock.
        database: has the timeouts.
        listen: receives an event for each retry.

    Raises:
        MigrationError: Postgres refused a statement; nothing was changed.

    """
    revision = reversal.revision
    patience = Patience(seconds(database.lock_budget), listen, None)
    while True:
        longest = patience.lock_timeout(revision, 0, database.lock_timeout)
        limits = [Statement(f"SET LOCAL lock_timeout = '{longest}'")] if longest else []
        texts = [Statement(text) for text in (_UNCHECKED, *reversal.statements)]
        last = [Statement(*ledger.forget(revision.id)), Statement("COMMIT")]
        try:
            send_together(connection, [Statement("BEGIN"), *limits, *texts, *last])
        except psycopg.Error as error:
            connection.rollback()
            if not patience.again(error, revision, 0):
                raise MigrationError(
                    f"the half of revision {revision} could not be taken back: {error}",
                    hint="Nothing was changed. Run the same command again.",
                ) from error
        else:
            return


@dataclass(frozen=True, slots=True)
class _Bench:
    """Scratch databases on which a revision runs up to a step; `template` is as before it."""

    comparison: Comparison
    history: History
    revision: Revision
    template: str

    @property
    def hint(self) -> str:
        """What to do by hand."""
        environment = self.comparison.profile.name
        repair = command("limbeck", "repair", "-e", environment, self.revision.id)
        return f"Complete the revision or take it back by hand. Then run `{repair}`."

    @contextmanager
    def stepped(self, steps: int) -> Iterator[Connection]:
        """Yield a connection to a database in which the first steps of the revision have run."""
        project, profile = self.comparison.project, self.comparison.profile
        shadow = Shadow.of(project, profile, listen=self.comparison.listen)
        with shadow.scratch(self.template) as database, connect(database) as connection:
            self.comparison.replay(()).take_path(connection, [self.revision])
            try:
                running.run_steps(self.history, connection, self.revision, steps)
            except MigrationError as error:
                raise MigrationError(
                    f"the half of revision {self.revision} cannot be repeated on the shadow: "
                    f"{error.message}",
                    hint=self.hint,
                ) from error
            yield connection

    def after(self, steps: int) -> Catalog:
        """Return the schema after the first steps."""
        with self.stepped(steps) as connection:
            return self._read(connection)

    def has_run(self, steps: int) -> bool:
        """Return whether the database has what the statement after these steps makes."""
        further = self.after(steps + 1)
        new = {change.address for change in self.after(steps).changes_to(further)}
        return not _within(self.comparison.live.changes_to(further), new)

    def prove(self, steps: int, statements: Sequence[str], wanted: Catalog) -> None:
        """Take the half back on a scratch database; MigrationError where something is left."""
        texts = [Statement(text) for text in ("BEGIN", _UNCHECKED, *statements, "COMMIT")]
        with self.stepped(steps) as connection:
            try:
                send_together(connection, texts)
                rest = self._read(connection).changes_to(wanted)
            except psycopg.Error as error:
                reason = str(error)
            else:
                reason = named(rest)
        if reason:
            raise MigrationError(
                f"the half of revision {self.revision} cannot be taken back by itself: {reason}",
                hint=self.hint,
            )

    def _read(self, connection: Connection) -> Catalog:
        return read(connection, filters=filters(self.comparison.project))


def _refuse_loss(bench: _Bench, steps: int, touched: Sequence[Change]) -> None:
    lost = [
        change
        for change in touched
        if change.after is None and change.address.kind in {"table", "column"}
    ]
    if lost:
        migrate = command("limbeck", "migrate", "-e", bench.comparison.profile.name)
        raise MigrationError(
            f"the first {steps} steps of revision {bench.revision} cannot be taken back: they have "
            f"dropped {named(lost)}, and no statement restores the rows; nothing was done",
            hint=f"Continue the revision: `{migrate}`. Or restore a snapshot of the database.",
        )


def _within(changes: Sequence[Change], addresses: Collection[Address]) -> tuple[Change, ...]:
    return tuple(change for change in changes if change.address in addresses)
