"""Compare the outcomes of probes at all commit points: what must work, and does not in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.lint.probes.probe import REFUSED, Outcome, Probe
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.sql.lexer import identifiers

Role: TypeAlias = Literal["plain", "expand", "contract"]
"""What a revision is to applications: the old one runs until a contract, and in an expand it goes
on afterwards; the new one runs from the end of an expand on, and so before a contract begins."""
Kind: TypeAlias = Literal["fails", "hidden", "shown", "allowed", "apart", "privileges"]


@dataclass(frozen=True, slots=True)
class Point:
    """A moment at which everything is committed: the statements since the last one, the outcomes.

    Each statement has the file and line of the revision that sent it. The first point, before the
    revision, has none.
    """

    statements: tuple[tuple[str, str | None], ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Statements of one relation that fail or see other rows between two commits.

    `first` is the number of the first commit after which it is so, `last` that of the last one;
    0 is the moment before the revision. `begins` and `ends` are the statements that open and close
    the gap; `ends` is None where it stays open. `where` is the file and line of `begins`.
    """

    kind: Kind
    relation: Address
    actions: tuple[str, ...]
    roles: tuple[str | None, ...]
    message: str
    first: int
    last: int
    begins: str
    ends: str | None
    where: str | None = None

    def __str__(self) -> str:
        until = f"until {_short(self.ends)}" if self.ends else "and stays so"
        return f"{self.sentence}, from {_short(self.begins)} {until}"

    @property
    def sentence(self) -> str:
        """What an application lives through, without the statements."""
        actions, name = ", ".join(self.actions), f"{self.relation.schema}.{self.relation.name}"
        match self.kind:
            case "fails":
                return f"{actions} on {name} fails ({self.message})"
            case "hidden":
                return f"{actions} on {name} misses rows that the role may see before and after"
            case "shown":
                return f"{actions} on {name} shows rows that the role may never see"
            case "allowed":
                return f"{actions} on {name} is accepted, which is refused before and after"
            case "apart":
                return f"after {actions} on {name}, the old and the new column differ"
            case "privileges":
                return f"{name} loses the privileges of the roles that use it"


def gaps(probes: Sequence[Probe], points: Sequence[Point], role: Role) -> list[Gap]:
    """Return what breaks at a commit point and must not, joined by relation, kind and place.

    Args:
        probes: the statements.
        points: the moments; the first is before the revision, the last after it.
        role: what the revision is to the applications.

    """
    single = sorted(
        (
            (probe.relation, kind, places[0], places[-1], number)
            for number, probe in enumerate(probes)
            for kind, places in _of(probe, [point.outcomes[number] for point in points], role)
        ),
        key=lambda each: (each[0], each[1], each[2], each[3]),
    )
    return [
        _joined(kind, (first, last), [probes[each[4]] for each in group], points, probes)
        for (_, kind, first, last), group in (
            (key, list(each)) for key, each in groupby(single, key=lambda each: each[:4])
        )
    ]


def _of(probe: Probe, outcomes: Sequence[Outcome], role: Role) -> Iterator[tuple[Kind, list[int]]]:
    """Yield each kind of fault of a probe, and the numbers of the points that have it."""
    start, end, numbers = outcomes[0], outcomes[-1], range(len(outcomes))
    must = {
        "plain": start.works and end.works,
        "expand": start.works,
        "contract": end.works,
    }[role]
    if must:
        if failing := [
            n for n in numbers if not outcomes[n].works and outcomes[n].state != "apart"
        ]:
            yield "fails", failing
        if apart := [n for n in numbers if outcomes[n].state == "apart"]:
            yield "apart", apart
    refused = role == "plain" and start.state == end.state == REFUSED
    if refused and (accepted := [n for n in numbers if outcomes[n].works]):
        yield "allowed", accepted
    if probe.rows and start.works and end.works:
        both, either = start.rows & end.rows, start.rows | end.rows
        working = [n for n in numbers if outcomes[n].works]
        if hidden := [n for n in working if both - outcomes[n].rows]:
            yield "hidden", hidden
        if shown := [n for n in working if outcomes[n].rows - either]:
            yield "shown", shown


def _joined(
    kind: Kind,
    places: tuple[int, int],
    group: Sequence[Probe],
    points: Sequence[Point],
    probes: Sequence[Probe],
) -> Gap:
    first, last = places
    probe = group[0]
    outcome = points[first].outcomes[next(n for n, each in enumerate(probes) if each is probe)]
    begins, where = _statement(points[first], probe.relation.name)
    ends = _statement(points[last + 1], probe.relation.name)[0] if last + 1 < len(points) else None
    return Gap(
        kind,
        probe.relation,
        tuple(dict.fromkeys(each.action for each in group)),
        tuple(dict.fromkeys(each.role for each in group)),
        outcome.message,
        first,
        last,
        begins,
        ends,
        where,
    )


def _statement(point: Point, relation: str) -> tuple[str, str | None]:
    """Return the statement of a transaction that names a relation, or its last one."""
    naming = (each for each in point.statements if relation in identifiers(each[0]))
    last = point.statements[-1] if point.statements else ("the revision begins", None)
    *_, statement = (last, *naming)
    return statement


def _short(text: str, longest: int = 70) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
