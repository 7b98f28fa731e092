"""Find applied revisions whose files were edited since; called by status."""

from __future__ import annotations

from collections.abc import Sequence

from limbeck.engine import ledger, offline, statements
from limbeck.engine.ledger import Ledger
from limbeck.history.history import History
from limbeck.history.revisions import Revision


def edited(history: History, current: Sequence[str], entries: Ledger) -> tuple[Revision, ...]:
    """Return the applied revisions whose SQL differs from when they were applied.

    Comments and white space do not count. Only a file whose bytes differ is rendered as SQL, so
    that a history of which nothing was edited costs one hash per file.
    """
    applied = entries.applied()
    touched = [
        revision
        for revision in history.applied(current)
        if (entry := applied.get(revision.id))
        and entry.file not in {None, ledger.file_hash(revision.path)}
    ]
    texts = offline.sql(history, touched)
    return tuple(
        revision
        for revision, text in zip(touched, texts, strict=True)
        if applied[revision.id].sql not in {statements.checksum([text]), *revision.replaced_sql}
    )
