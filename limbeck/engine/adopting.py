"""Rows of the ledger for revisions that others applied, or an older version; a run writes them."""

from __future__ import annotations

from collections.abc import Collection

from limbeck.engine import ledger
from limbeck.engine.batch import Statement
from limbeck.engine.ledger import Ledger
from limbeck.history import code
from limbeck.history.history import History


def below(history: History, heads: Collection[str]) -> frozenset[str]:
    """Return the ids of the revisions that version rows cover."""
    return frozenset(revision.id for revision in history.applied(_known(history, heads)))


def adopted(history: History, heads: Collection[str], recorded: Ledger) -> list[Statement]:
    """Return what writes revisions that others applied into the ledger.

    It goes with the first revision of the run. From then on a revision below the version rows
    that is not in the ledger never ran: it is a late one.
    """
    known = _known(history, heads)
    late = {revision.id for revision in ledger.late(history, known, recorded)}
    others = late | set(recorded.applied())
    rows: list[Statement] = []
    for revision in history.applied(known):
        if revision.id not in others:
            values = {"digest": "", "sql": code.checksum(revision.path)}
            about = ledger.about(revision, "adopt", recorded.tenant)
            rows.append(Statement(*ledger.finish(about, values, begun=False)))
    if not rows or recorded.exists:
        return rows
    return [*(Statement(statement) for statement in recorded.create), *rows]


def renewed(history: History, recorded: Ledger) -> list[Statement]:
    """Return what replaces the checksums of older versions, of files that are unchanged."""
    applied = recorded.applied()
    old = {
        revision: code.checksum(revision.path)
        for revision in history.revisions()
        if (entry := applied.get(revision.id))
        and entry.sql
        and not entry.sql.startswith(code.FORM)
        and entry.file == revision.digest
    }
    return [Statement(*ledger.renew(old, recorded.tenant))] if old else []


def _known(history: History, heads: Collection[str]) -> list[str]:
    known = {revision.id for revision in history.revisions()}
    return [id_ for id_ in heads if id_ in known]
