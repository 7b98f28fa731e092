"""Which of the pending revisions may run, and why the others wait."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from limbeck.engine import ledger, version_table
from limbeck.engine.ledger import Ledger
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.phased.gates.uses import Use
from limbeck.phased.phases import changes, of
from limbeck.postgres.connect import Connection

Through: TypeAlias = Literal["expand", "contract"]
Why: TypeAlias = Literal["backfill", "used", "contract"]


@dataclass(frozen=True, slots=True)
class Terms:
    """How far an environment goes.

    Args:
        environment: its name, for what to type next.
        protected: whether its application is asked after as well.
        through: "expand" stops before each contract revision.
        allow_used: go on although something still uses what a contract takes away.

    """

    environment: str
    protected: bool
    through: Through
    allow_used: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """A contract revision that does not run yet; `hint` is what to type next.

    `why` is "backfill" (it is not verified), "used" (something still uses the old structure, as
    `uses` says) or "contract" (nobody asked for it). `others` are the revisions behind it.
    """

    revision: str
    message: str
    change: str
    why: Why
    reason: str
    hint: str
    uses: tuple[Use, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passed:
    """The revisions that may run, in their order, and those that keep the others waiting."""

    revisions: tuple[Revision, ...]
    waiting: tuple[Waiting, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a database is at, with its ledger."""

    connection: Connection
    applied: Collection[str]
    ledger: Ledger


def passed(
    history: History,
    connection: Connection,
    todo: Sequence[Revision],
    terms: Terms,
    listen: Listener,
) -> Passed:
    """Return which pending revisions may run now; the database is asked about contracts only.

    A contract revision waits until its backfill is verified (or the table is empty), nothing uses
    what it takes away, and `through` is "contract"; what follows it waits as well. On a database
    without any revision yet nothing has to be waited for.

    Raises:
        HistoryError: a phase cannot be read.

    """
    if not contracted(todo):
        return Passed(tuple(todo))
    applied = {one.id for one in history.applied(version_table.current(history, connection))}
    seen = Seen(connection, applied, ledger.read(connection))
    from limbeck.phased.gates.waiting import (  # noqa: PLC0415 - only where a contract is pending
        waits,
    )

    known = changes(history.revisions())
    contracts = {one.contract.id: one for one in known if one.contract}
    stopped: dict[str, Waiting] = {}
    behind: dict[str, str] = {}
    for revision in todo:
        if before := next((behind[id_] for id_ in revision.parents if id_ in behind), None):
            behind[revision.id] = before
        elif revision.id in contracts and (
            found := waits(history, seen, contracts[revision.id], terms, listen)
        ):
            stopped[revision.id] = found
            behind[revision.id] = revision.id
    waiting = tuple(_with_others(one, behind) for one in stopped.values())
    return Passed(tuple(one for one in todo if one.id not in behind), waiting)


def _with_others(waiting: Waiting, behind: dict[str, str]) -> Waiting:
    others = [id_ for id_, first in behind.items() if first == waiting.revision != id_]
    return replace(waiting, others=tuple(others))


def contracted(revisions: Sequence[Revision]) -> tuple[Revision, ...]:
    """Return those that are contract revisions."""
    return tuple(one for one in revisions if (phase := of(one)) and phase.kind == "contract")
