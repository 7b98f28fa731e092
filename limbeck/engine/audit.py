"""Applied revisions whose files were edited since; asked by status and by migrate."""

from __future__ import annotations

from collections.abc import Sequence

from limbeck.engine import ledger, offline, statements
from limbeck.engine.ledger import Ledger
from limbeck.history.history import History
from limbeck.history.revisions import Revision


def edited(
    history: History, current: Sequence[str], entries: Ledger, most: int | None = None
) -> tuple[Revision, ...]:
    """Return the applied revisions whose SQL differs from what was applied.

    Comments and white space do not count. The SQL is rendered only of files whose bytes differ.

    Args:
        history: The revision files.
        current: The revisions that the database is at.
        entries: Its ledger, with the hashes of what was applied.
        most: How many of the files whose bytes differ are rendered, newest first; None for all.

    """
    applied = entries.applied()
    touched = [
        revision
        for revision in history.applied(current)
        if (entry := applied.get(revision.id))
        and entry.file not in {None, ledger.file_hash(revision.path)}
    ]
    touched = touched[-most:] if most is not None else touched
    return tuple(
        revision
        for revision, text in zip(touched, offline.sql(history, touched), strict=True)
        if applied[revision.id].sql not in {statements.checksum([text]), *revision.replaced_sql}
    )
