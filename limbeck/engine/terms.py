"""How revisions are carried out on a database that others use at the same time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limbeck.history.revisions import Revision
    from limbeck.postgres.database import Database


@dataclass(frozen=True, slots=True)
class Terms:
    """What a live database asks for beyond running the statements.

    Args:
        ledger: Write down in the database what was applied, and how far an interrupted revision is.
        pipelined: Send the statements of a transaction together.
        patience: Seconds for which a step is tried again when it does not get its locks.
        lock_timeout: The longest that an attempt at a step waits for a lock, as Postgres spells it.
        transaction_timeout: As Postgres spells it; used from 17 on.
        watch: Where a second session looks at what is waited for; None opens none.
        progress: Tell how far an index is.
        sql: Returns the SQL of a revision, if the caller has rendered it already.

    """

    ledger: bool = True
    pipelined: bool = True
    patience: float = 60.0
    lock_timeout: str | None = None
    transaction_timeout: str | None = None
    watch: Database | None = None
    progress: bool = False
    sql: Callable[[Revision], str | None] = lambda _: None


PLAIN = Terms(ledger=False, pipelined=False, patience=0.0)
"""For a database of our own, such as the shadow's."""
