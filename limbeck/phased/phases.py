"""Reads the phase of a revision (expand or contract) from literals in its module."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from limbeck.dataclass import dataclass
from limbeck.errors import HistoryError
from limbeck.history.revisions import FUNCTIONS, Revision, literals
from limbeck.paths import shown
from limbeck.schema.sql.quoting import unquote

# Only literals before the first function are read, so a revision is not executed for its phase.
NAMES = frozenset({"phase", "change", "backfills", "uses"})
FORM = (
    'Write it as limbeck generate does: {"table": ..., "set": {column: expression}, "where": ...}.'
)


@dataclass(frozen=True, slots=True)
class Backfill:
    """The update of rows of one table that existed before an expand revision.

    `table` is a qualified name as SQL spells it. `assignments` has (column, expression over the
    row) pairs, with unquoted column names; if `python` names a "module:function", that computes
    the values and the expressions are "". `where` is true for rows that are still wrong.
    """

    table: str
    assignments: tuple[tuple[str, str], ...]
    where: str
    python: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the backfill sets."""
        return tuple(column for column, _ in self.assignments)


@dataclass(frozen=True, slots=True)
class Phase:
    """The role of one revision in a change.

    An expand revision has `backfills`. A contract revision has `uses`: the qualified names
    ("public.books.published_year") of the structure that it removes.
    """

    kind: Literal["expand", "contract"]
    change: str
    backfills: tuple[Backfill, ...] = ()
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A change without downtime, with those of its two revisions that the history has."""

    name: str
    expand: Revision | None = None
    contract: Revision | None = None
    backfills: tuple[Backfill, ...] = ()
    uses: tuple[str, ...] = ()


def of(revision: Revision) -> Phase | None:
    """Return the phase of a revision, or None if it is an ordinary one.

    Raises:
        HistoryError: its data are not literals, or have another form.

    """
    if not revision.in_phases:
        return None
    status = revision.path.stat()
    return _unchanged(str(revision.path), status.st_mtime_ns, status.st_size)


def changes(revisions: Iterable[Revision]) -> tuple[Change, ...]:
    """Return the changes that these revisions belong to, in the order of their first revisions.

    Raises:
        HistoryError: a phase cannot be read, or one change has the same phase twice.

    """
    known: dict[str, Change] = {}
    for revision in revisions:
        if phase := of(revision):
            change = known.get(phase.change, Change(phase.change))
            known[phase.change] = _with(change, revision, phase)
    return tuple(known.values())


def _with(change: Change, revision: Revision, phase: Phase) -> Change:
    former = change.expand if phase.kind == "expand" else change.contract
    if former is not None:
        raise HistoryError(
            f"{shown(former.path)} and {shown(revision.path)} both {phase.kind} {change.name}",
            hint="Give one of the two changes another name.",
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
    """Return the phase in a file; it is read again only if its time or size changes."""
    source = Path(path).read_bytes()
    head = FUNCTIONS.split(source, maxsplit=1)[0]
    return _phase(dict(literals(ast.parse(head), Path(path), NAMES)), Path(path))


def _phase(values: Mapping[str, object], path: Path) -> Phase | None:
    kind, change = values.get("phase"), values.get("change")
    if "change" not in values:
        return None  # the module uses the name "phase" for something else
    if kind not in ("expand", "contract") or not isinstance(change, str) or not change:
        raise HistoryError(
            f"{shown(path)}: phase is {kind!r}, change is {change!r}",
            hint='Set phase to "expand" or "contract", and change to a name.',
        )
    backfills = _sequence(values.get("backfills"), "backfills", path)
    return Phase(
        kind,
        change,
        tuple(_backfill(entry, path) for entry in backfills),
        tuple(str(name) for name in _sequence(values.get("uses"), "uses", path)),
    )


def _sequence(value: object, name: str, path: Path) -> tuple[object, ...]:
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return tuple(value)
    raise HistoryError(f"{shown(path)}: {name} is not a list", hint="Write it in [ and ].")


def _backfill(value: object, path: Path) -> Backfill:
    if isinstance(value, dict):
        table, sets, where = value.get("table"), value.get("set"), value.get("where")
        python = value.get("python")
        named = isinstance(table, str) and isinstance(where, str)
        if named and (pairs := _assignments(sets, python=python is not None)):
            return Backfill(str(table), pairs, str(where), None if python is None else str(python))
    raise HistoryError(f"{shown(path)}: not a backfill: {value!r}", hint=FORM)


def _assignments(sets: object, *, python: bool) -> tuple[tuple[str, str], ...]:
    if isinstance(sets, dict):
        # Revisions of earlier versions have the names in quotes that need them.
        return tuple((unquote(str(column)), str(value or "")) for column, value in sets.items())
    if python and isinstance(sets, list | tuple):
        return tuple((str(column), "") for column in sets)
    return ()
