"""Decides which pending revisions may run on a database; `run` asks it before each plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from limbeck.engine import ledger, version_table
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.phased.gates.waiting import Terms, Waiting
from limbeck.phased.phases import changes, of
from limbeck.postgres.connect import Connection


class Passed(NamedTuple):
    """The revisions that may run, in their order, and the contracts on hold."""

    revisions: tuple[Revision, ...]
    waiting: tuple[Waiting, ...] = ()


def passed(
    history: History,
    connection: Connection,
    todo: Sequence[Revision],
    terms: Terms,
    listen: Listener,
) -> Passed:
    """Return which pending revisions may run now.

    A contract revision waits until its backfill is verified or its table is empty, nothing uses
    what it removes, and `terms.through` is "contract". Revisions behind it wait, too. On a
    database without revisions nothing waits. Without a pending contract the database is not
    queried.

    Args:
        history: The revision files.
        connection: The database.
        todo: The pending revisions, in their order.
        terms: How far the environment goes.
        listen: Receives notices about statements that name the old structure.

    Raises:
        HistoryError: a phase cannot be read.

    """
    if not contracted(todo):
        return Passed(tuple(todo))
    from limbeck.phased.gates.conditions import (  # noqa: PLC0415 - only where a contract is pending
        Seen,
        waits,
    )

    current = version_table.current(history, connection)
    applied = {revision.id for revision in history.applied(current)}
    seen = Seen(connection, applied, ledger.read(connection))
    known = changes(history.revisions())
    contracts = {change.contract.id: change for change in known if change.contract}
    stopped: dict[str, Waiting] = {}
    behind: dict[str, str] = {}
    for revision in todo:
        if before := next((behind[id_] for id_ in revision.parents if id_ in behind), None):
            behind[revision.id] = before
        elif revision.id in contracts and (
            hold := waits(history, seen, contracts[revision.id], terms, listen)
        ):
            stopped[revision.id] = hold
            behind[revision.id] = revision.id
    waiting = tuple(_with_others(hold, behind) for hold in stopped.values())
    return Passed(tuple(revision for revision in todo if revision.id not in behind), waiting)


def _with_others(waiting: Waiting, behind: dict[str, str]) -> Waiting:
    others = [id_ for id_, first in behind.items() if first == waiting.revision != id_]
    return replace(waiting, others=tuple(others))


def contracted(revisions: Sequence[Revision]) -> tuple[Revision, ...]:
    """Return the contract revisions among these."""
    return tuple(each for each in revisions if (phase := of(each)) and phase.kind == "contract")
