"""Take back the half of a revision whose upgrade was interrupted; used by `limbeck rollback`.

The downgrade of a revision expects all of it. So limbeck brings a scratch database to the same
half, and the difference from there to the schema before the revision takes the half back.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine import ledger
from limbeck.engine.batch import Statement, send_together
from limbeck.engine.ledger import Entry
from limbeck.engine.patience import Patience
from limbeck.errors import MigrationError
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import Connection, tenant_of
from limbeck.postgres.database import Database
from limbeck.postgres.duration import seconds
from limbeck.run.comparison import UNCHECKED, Bench, Comparison, Sides, within
from limbeck.run.drift import named
from limbeck.schema.catalog.catalog import Change
from limbeck.schema.diff import compare
from limbeck.schema.sql.quoting import literal
from limbeck.schema.sql.relative import relative
from limbeck.shell import command


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
        return f"BEGIN;\n{UNCHECKED};\n{self.sql}{forget}\nCOMMIT;"

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
    bench = Bench(comparison, history, revision, before.template())
    wanted, steps = before.catalog(), entry.steps
    if entry.doubt is not None and bench.has_run(steps):
        steps += 1
    half = bench.after(steps)
    touched = wanted.changes_to(half)
    _refuse_loss(bench, steps, touched)
    addresses = {change.address for change in touched}
    if not within(comparison.live.changes_to(wanted), addresses):
        return Reversal(revision, steps, ())
    if others := within(comparison.live.changes_to(half), addresses):
        raise MigrationError(
            f"{comparison.profile.name} is not as step {steps} of revision {revision} has left it: "
            f"{named(others)}; nothing was done",
            hint=bench.hint,
        )
    sql = tuple(step.sql for step in compare.steps(half, wanted))
    if comparison.project.part == "tenants":
        sql = tuple(map(relative, sql))
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
        texts = [Statement(text) for text in (UNCHECKED, *reversal.statements)]
        last = [Statement(*ledger.forget(revision.id, tenant_of(connection))), Statement("COMMIT")]
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


def _refuse_loss(bench: Bench, steps: int, touched: Sequence[Change]) -> None:
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
