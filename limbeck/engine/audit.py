"""Applied revisions whose files were edited or deleted since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck.engine import ledger, offline, statements
from limbeck.engine.ledger import Ledger
from limbeck.history.revisions import Revision

if TYPE_CHECKING:
    from limbeck.history.history import History


def edited(history: History, applied: tuple[Revision, ...], found: Ledger) -> tuple[Revision, ...]:
    """Return the applied revisions that say another SQL now than when they were applied.

    Only of files with other bytes the SQL is looked at; comments and white space do not count.
    """
    entries = found.applied()
    touched = [
        one
        for one in applied
        if (entry := entries.get(one.id)) and entry.file not in {None, ledger.file_hash(one.path)}
    ]
    said = offline.sql(history, touched) if touched else ()
    return tuple(
        one
        for one, text in zip(touched, said, strict=True)
        if entries[one.id].sql not in {statements.checksum([text]), *one.replaced_sql}
    )
