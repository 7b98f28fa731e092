"""The conditions under which the contract revision of one change may run."""

from __future__ import annotations

from collections.abc import Collection

from limbeck.dataclass import dataclass
from limbeck.engine.ledger import Ledger
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.phased.backfill.pieces import exists
from limbeck.phased.gates.standing import open_backfills
from limbeck.phased.gates.uses import Use, uses
from limbeck.phased.gates.waiting import Terms, Waiting, Why
from limbeck.phased.phases import Change
from limbeck.postgres.connect import Connection
from limbeck.postgres.row_security import refuse_hidden
from limbeck.shell import command


@dataclass(frozen=True, slots=True)
class Seen:
    """A database with its applied revisions and its ledger."""

    connection: Connection
    applied: Collection[str]
    ledger: Ledger


def waits(
    history: History, seen: Seen, change: Change, terms: Terms, listen: Listener
) -> Waiting | None:
    """Return why the contract of a change is on hold, or None if it may run.

    Args:
        history: The revision files.
        seen: The database.
        change: The change whose contract is pending.
        terms: How far the environment goes.
        listen: Receives notices about statements that name the old structure.

    Raises:
        DatabaseError: row security hides rows of a table that the change has filled.
        HistoryError: the SQL of the contract cannot be rendered.

    """
    if _is_new(seen, change):
        return None
    return _unprepared(seen, change, terms) or _unfinished(history, seen, change, terms, listen)


def _unprepared(seen: Seen, change: Change, terms: Terms) -> Waiting | None:
    """Return what must be done before the contract: expand, backfill, or request it."""
    if _expands_only_now(seen, change) and terms.protected:
        reason = "the expand revision is applied only now, while the old application still runs"
        why: Why = "backfill" if change.backfills else "contract"
        return _hold(change, why, reason, _next(change, terms))
    # A verification holds only for a role that saw every row, and so does the contract's UPDATE.
    refuse_hidden(seen.connection, [backfill.table for backfill in change.backfills])
    if tables := open_backfills(seen.connection, change, seen.ledger):
        reason = f"the backfill of {', '.join(tables)} is not verified"
        return _hold(change, "backfill", reason, _next(change, terms))
    if terms.through == "expand":
        reason = "it removes the old structure, which must be requested explicitly"
        hint = f"When no old application runs: {_contract(terms)}"
        return _hold(change, "contract", reason, hint)
    return None


def _unfinished(
    history: History, seen: Seen, change: Change, terms: Terms, listen: Listener
) -> Waiting | None:
    """Return what still uses the old structure."""
    if terms.allow_used or _expands_only_now(seen, change):
        return None
    users = uses(history, seen.connection, change, running=terms.protected, listen=listen)
    if not users:
        return None
    names = "".join(f"\n      {use}" for use in users)
    reason = f"{', '.join(change.uses)} is still used by{names}"
    hint = "Change what uses it, or add --allow still-used."
    return _hold(change, "used", reason, hint, users)


def _contract(terms: Terms) -> str:
    options = ["--contract"] if terms.protected or terms.through == "expand" else []
    return command("limbeck", "migrate", "-e", terms.environment, *options)


def _next(change: Change, terms: Terms) -> str:
    then = _contract(terms)
    if not change.backfills:
        return f"When no old application runs: {then}"
    backfill = command("limbeck", "backfill", "-e", terms.environment, change.name)
    return f"{backfill}, then {then}"


def _hold(change: Change, why: Why, reason: str, hint: str, users: tuple[Use, ...] = ()) -> Waiting:
    revision = change.contract
    if revision is None:
        raise AssertionError
    return Waiting(revision.id, revision.message, change.name, why, reason, hint, users)


def _expands_only_now(seen: Seen, change: Change) -> bool:
    return change.expand is not None and change.expand.id not in seen.applied


def _is_new(seen: Seen, change: Change) -> bool:
    """Return whether no application can be using the database yet."""
    tables = {backfill.table for backfill in change.backfills}
    return not seen.applied and not any(exists(seen.connection, table) for table in tables)
