"""Find applied revisions whose files were edited since; asked by status and by migrate."""

from __future__ import annotations

from collections.abc import Sequence

from limbeck.engine import ledger, offline, statements
from limbeck.engine.ledger import Entry, Ledger
from limbeck.history.history import History
from limbeck.history.revisions import Revision

# A formatter may have touched hundreds of files, and rendering takes milliseconds for each.
_MOST = 10


def edited(
    history: History, current: Sequence[str], entries: Ledger, *, quick: bool = False
) -> tuple[Revision, ...]:
    """Return the applied revisions whose SQL differs from when they were applied.

    Comments and white space do not count. Only a file whose bytes differ is rendered as SQL, so
    that a history of which nothing was edited costs one hash per file.

    Args:
        history: The revision files.
        current: The revisions that the database is at.
        entries: Its ledger, with the hashes of what was applied.
        quick: Compare only files written since they were applied, by the clock of the file system,
            and render only the newest ten that differ: enough for a notice.

    """
    applied = entries.applied()
    touched = [
        revision
        for revision in history.revisions()
        if (entry := applied.get(revision.id))
        and not (quick and _is_older(revision, entry))
        and entry.file not in {None, ledger.file_hash(revision.path)}
    ]
    if not touched:
        return ()
    # Another tool may have downgraded the database without an entry in the ledger.
    below = {revision.id for revision in history.applied(current)}
    touched = [revision for revision in touched if revision.id in below]
    touched = touched[-_MOST:] if quick else touched
    texts = offline.sql(history, touched)
    return tuple(
        revision
        for revision, text in zip(touched, texts, strict=True)
        if applied[revision.id].sql not in {statements.checksum([text]), *revision.replaced_sql}
    )


def _is_older(revision: Revision, entry: Entry) -> bool:
    finished = entry.finished
    return finished is not None and revision.path.stat().st_mtime < finished.timestamp()
