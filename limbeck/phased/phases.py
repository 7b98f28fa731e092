"""What a revision says of its part in a change without downtime: plain data in its module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from limbeck.errors import HistoryError
from limbeck.history.revisions import Revision, literals
from limbeck.paths import shown

NAMES = frozenset({"phase", "change", "backfills", "uses"})
MARK = re.compile(rb"^phase\b", re.MULTILINE)
FUNCTIONS = re.compile(rb"^(?:async )?def ", re.MULTILINE)
FORM = (
    'Write it as limbeck generate does: {"table": ..., "set": {column: expression}, "where": ...}.'
)


@dataclass(frozen=True, slots=True)
class Backfill:
    """Rows of one table that have to be brought up to date after an expand revision.

    `table` is a whole name as SQL spells it. `assignments` has (column, expression over the row)
    pairs, with bare column names; with `python`, "module:function", the function of the row gives
    the values and the expressions are "". `where` is true for the rows that are not right yet.
    """

    table: str
    assignments: tuple[tuple[str, str], ...]
    where: str
    python: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are set."""
        return tuple(column for column, _ in self.assignments)


@dataclass(frozen=True, slots=True)
class Phase:
    """The part of one revision in the change of that name.

    `backfills` stand in an expand revision; `uses`, in a contract revision, are the whole names
    ("public.books.published_date") of what it takes away.
    """

    kind: Literal["expand", "contract"]
    change: str
    backfills: tuple[Backfill, ...] = ()
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One change without downtime, and the revisions of its two phases that the history has."""

    name: str
    expand: Revision | None = None
    contract: Revision | None = None
    backfills: tuple[Backfill, ...] = ()
    uses: tuple[str, ...] = ()


def of(revision: Revision) -> Phase | None:
    """Return the phase that a revision is, or None: it is an ordinary one.

    Raises:
        HistoryError: its data are not literals, or not of the form above.

    """
    status = revision.path.stat()
    return _unchanged(str(revision.path), status.st_mtime_ns, status.st_size)


def changes(revisions: Iterable[Revision]) -> tuple[Change, ...]:
    """Return the changes of these revisions, in the order of their expand revisions.

    Raises:
        HistoryError: a phase cannot be read, or one change has the same phase twice.

    """
    found: dict[str, Change] = {}
    for revision in revisions:
        if phase := of(revision):
            change = found.get(phase.change, Change(phase.change))
            found[phase.change] = _with(change, revision, phase)
    return tuple(found.values())


def _with(change: Change, revision: Revision, phase: Phase) -> Change:
    former = change.expand if phase.kind == "expand" else change.contract
    if former is not None:
        raise HistoryError(
            f"{shown(former.path)} and {shown(revision.path)} both {phase.kind} {change.name}",
            hint="Give one of the two changes a name of its own.",
        )
    expand, contract = (
        (revision, change.contract) if phase.kind == "expand" else (change.expand, revision)
    )
    return Change(
        change.name,
        expand,
        contract,
        (*change.backfills, *phase.backfills),
        (*change.uses, *phase.uses),
    )


@cache
def _unchanged(path: str, modified: int, size: int) -> Phase | None:  # noqa: ARG001 - the cache's key
    """Read a file again only when its time or size is another."""
    source = Path(path).read_bytes()
    head = FUNCTIONS.split(source, maxsplit=1)[0]
    if not MARK.search(head):
        return None
    return _phase(dict(literals(ast.parse(head), Path(path), NAMES)), Path(path))


def _phase(values: Mapping[str, object], path: Path) -> Phase | None:
    kind, change = values.get("phase"), values.get("change")
    if "change" not in values:
        return None  # a name that somebody uses for something else
    if kind not in ("expand", "contract") or not isinstance(change, str) or not change:
        raise HistoryError(
            f"{shown(path)}: phase is {kind!r}, change is {change!r}",
            hint='A phase is "expand" or "contract", and the change has a name.',
        )
    backfills = _sequence(values.get("backfills"), "backfills", path)
    return Phase(
        kind,
        change,
        tuple(_backfill(one, path) for one in backfills),
        tuple(str(one) for one in _sequence(values.get("uses"), "uses", path)),
    )


def _sequence(value: object, name: str, path: Path) -> tuple[object, ...]:
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return tuple(value)
    raise HistoryError(f"{shown(path)}: {name} is no list", hint="Write it in [ and ].")


def _backfill(value: object, path: Path) -> Backfill:
    if isinstance(value, dict):
        table, sets, where = value.get("table"), value.get("set"), value.get("where")
        python = value.get("python")
        named = isinstance(table, str) and isinstance(where, str)
        if named and (pairs := _assignments(sets, python=python is not None)):
            return Backfill(str(table), pairs, str(where), None if python is None else str(python))
    raise HistoryError(f"{shown(path)}: a backfill reads {value!r}", hint=FORM)


def _assignments(sets: object, *, python: bool) -> tuple[tuple[str, str], ...]:
    if isinstance(sets, dict):
        return tuple((str(column), str(value or "")) for column, value in sets.items())
    if python and isinstance(sets, list | tuple):
        return tuple((str(column), "") for column in sets)
    return ()
