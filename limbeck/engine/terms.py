"""How revisions run on a database that applications use at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.engine.place import Place

if TYPE_CHECKING:
    from limbeck.engine.batch import Statement
    from limbeck.engine.pushes import Push
    from limbeck.history.revisions import Revision
    from limbeck.postgres.database import Database
    from limbeck.stages import Stage

Committed: TypeAlias = "Callable[[Sequence[tuple[str, str | None]]], None]"

Taken: TypeAlias = "Callable[[Revision, Sequence[Statement] | None], None]"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a live database needs beyond the statements.

    Args:
        ledger: Record in the database what was applied, and how far an interrupted revision is.
        pipelined: Send the statements of a transaction together.
        together: Send revisions before those ahead of them are committed, where that is the same.
        patience: Seconds for which a step is retried that does not acquire its locks.
        lock_timeout: The longest that an attempt at a step waits for a lock, as Postgres spells it.
        transaction_timeout: As Postgres spells it; used from 17 on.
        watch: The database, for a second session that watches lock waits; None opens none.
        progress: Send events about the progress of index builds.
        steps: Stop after this many steps of a revision, with `StoppedError`; None for no limit.
        place: What the database is to the revisions, as `limbeck.context` tells them.
        committed: Receives the statements of each transaction right after its COMMIT, and each
            statement of an autocommit block, with the file and line of each; nothing is open then.
        look: Make the run a trial of one revision: called in its transaction, before the COMMIT,
            in place of which the trial ends with `StoppedError` and is rolled back. A revision that
            needs more than one transaction stops before the first COMMIT, without the call.
        stage: Counts the statements of the revisions.
        push: The revision is a draft that no history has: the version rows stay as they are, and
            the ledger records a push in place of a revision.
        taken: Receives each revision before its last COMMIT, with the statements that it has sent,
            or None where they do not say all that it does: then it has to run to be repeated.
        recording: Record the revisions as applied without running them.

    """

    ledger: bool = True
    pipelined: bool = True
    together: bool = True
    patience: float = 60.0
    lock_timeout: str | None = None
    transaction_timeout: str | None = None
    watch: Database | None = None
    progress: bool = False
    steps: int | None = None
    place: Place = "target"
    committed: Committed | None = None
    look: Callable[[], None] | None = None
    push: Push | None = None
    taken: Taken | None = None
    recording: bool = False
    stage: Stage | None = None


PLAIN = Terms(ledger=False, pipelined=False, patience=0.0, place="shadow")
"""For a scratch database, which nobody else uses."""
