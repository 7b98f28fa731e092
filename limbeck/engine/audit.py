"""Find applied revisions whose files were edited since; asked by status and by migrate."""

from __future__ import annotations

from collections.abc import Sequence

from limbeck.engine import offline, statements
from limbeck.engine.ledger import Entry, Ledger
from limbeck.history import code
from limbeck.history.history import History
from limbeck.history.revisions import Revision

# A formatter may have touched hundreds of files, and reading their code takes a millisecond each.
_MOST = 10


def edited(
    history: History, current: Sequence[str], entries: Ledger, *, quick: bool = False
) -> tuple[Revision, ...]:
    """Return the applied revisions whose code differs from when they were applied.

    No revision runs for that: their syntax trees are compared (`history.code`), and only of files
    whose bytes differ. A ledger of an older version has hashes of the SQL; a file that differs
    from such a row is rendered offline, unless the answer shall be quick.

    Args:
        history: The revision files.
        current: The revisions that the database is at.
        entries: Its ledger, with the hashes of what was applied.
        quick: Compare only files written since they were applied, by the clock of the file system,
            and only the newest ten that differ: enough for a notice.

    """
    applied = entries.applied()
    touched = [
        revision
        for revision in history.revisions()
        if (entry := applied.get(revision.id))
        and entry.file not in {None, revision.digest}
        and not (quick and _is_older(revision, entry))
    ]
    if not touched:
        return ()
    # Another tool may have downgraded the database without an entry in the ledger.
    below = {revision.id for revision in history.applied(current)}
    touched = [revision for revision in touched if revision.id in below]
    touched = touched[-_MOST:] if quick else touched
    known = {id_: entry.sql or "" for id_, entry in applied.items()}
    return tuple(
        revision
        for revision in touched
        if known[revision.id] not in revision.replaced_sql
        and not _is_same(history, revision, known[revision.id], quick=quick)
    )


def _is_same(history: History, revision: Revision, known: str, *, quick: bool) -> bool:
    """Return whether a revision still has the checksum that it was applied with."""
    if known.startswith(code.FORM):
        return known == code.checksum(revision.path)
    return quick or known == statements.checksum(offline.sql(history, [revision]))


def _is_older(revision: Revision, entry: Entry) -> bool:
    finished = entry.finished
    return finished is not None and revision.path.stat().st_mtime < finished.timestamp()
