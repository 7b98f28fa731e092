"""Applied revisions whose files were edited or deleted since."""

from __future__ import annotations

from collections.abc import Sequence

from limbeck.engine import ledger, offline, statements
from limbeck.engine.ledger import Ledger
from limbeck.history.history import History
from limbeck.history.revisions import Revision


def edited(history: History, current: Sequence[str], found: Ledger) -> tuple[Revision, ...]:
    """Return the applied revisions that say another SQL now than when they were applied.

    Only of files with other bytes the SQL is looked at; comments and white space do not count.
    """
    entries = found.applied()
    touched = [
        one
        for one in history.applied(current)
        if (entry := entries.get(one.id)) and entry.file not in {None, ledger.file_hash(one.path)}
    ]
    said = offline.sql(history, touched)
    return tuple(
        one
        for one, text in zip(touched, said, strict=True)
        if entries[one.id].sql not in {statements.checksum([text]), *one.replaced_sql}
    )
