"""The conditions under which the contract revision of one change may run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from limbeck.engine.ledger import Ledger
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.phased.backfill.pieces import exists
from limbeck.phased.gates.standing import open_backfills
from limbeck.phased.gates.uses import Use, uses
from limbeck.phased.gates.waiting import Terms, Waiting, Why
from limbeck.phased.phases import Change
from limbeck.postgres.connect import Connection


@dataclass(frozen=True, slots=True)
class Seen:
    """What a database is at, with its ledger."""

    connection: Connection
    applied: Collection[str]
    ledger: Ledger


def waits(
    history: History, seen: Seen, change: Change, terms: Terms, listen: Listener
) -> Waiting | None:
    """Return what the contract of a change waits for, or None where it may run.

    Raises:
        HistoryError: its file cannot be put into words.

    """
    if _is_new(seen, change):
        return None
    return _unprepared(seen, change, terms) or _unfinished(history, seen, change, terms, listen)


def _unprepared(seen: Seen, change: Change, terms: Terms) -> Waiting | None:
    """Say what has to be done before the old structure may go."""
    if _expands_only_now(seen, change) and terms.protected:
        reason = "it is expanded only now, and the old application still runs"
        why: Why = "backfill" if change.backfills else "contract"
        return _made(change, why, reason, _next(change, terms))
    if tables := open_backfills(seen.connection, change, seen.ledger):
        reason = f"the backfill of {', '.join(tables)} is not verified"
        return _made(change, "backfill", reason, _next(change, terms))
    if terms.through == "expand":
        reason = "it takes the old structure away, which has to be asked for"
        hint = f"When no old application runs: {_contract(terms)}"
        return _made(change, "contract", reason, hint)
    return None


def _unfinished(
    history: History, seen: Seen, change: Change, terms: Terms, listen: Listener
) -> Waiting | None:
    """Say what still uses the old structure."""
    if terms.allow_used or _expands_only_now(seen, change):
        return None
    found = uses(history, seen.connection, change, running=terms.protected, listen=listen)
    if not found:
        return None
    names = "".join(f"\n      {one}" for one in found)
    reason = f"{', '.join(change.uses)} is still used by{names}"
    return _made(change, "used", reason, "Change what uses it, or add --allow still-used", found)


def _contract(terms: Terms) -> str:
    option = " --contract" if terms.protected or terms.through == "expand" else ""
    return f"limbeck migrate -e {terms.environment}{option}"


def _next(change: Change, terms: Terms) -> str:
    then = _contract(terms)
    if not change.backfills:
        return f"When no old application runs: {then}"
    return f"limbeck backfill -e {terms.environment} {change.name}, then {then}"


def _made(
    change: Change,
    why: Why,
    reason: str,
    hint: str,
    found: tuple[Use, ...] = (),
) -> Waiting:
    revision = change.contract
    if revision is None:
        raise AssertionError
    return Waiting(revision.id, revision.message, change.name, why, reason, hint, found)


def _expands_only_now(seen: Seen, change: Change) -> bool:
    return change.expand is not None and change.expand.id not in seen.applied


def _is_new(seen: Seen, change: Change) -> bool:
    """Tell whether nobody can be using the database yet."""
    tables = {one.table for one in change.backfills}
    return not seen.applied and not any(exists(seen.connection, one) for one in tables)
