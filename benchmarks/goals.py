"""The goals of limbeck's speed, and what the rows of a run say of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

import works
from rows import Row, Rows

OURS, BARE = "limbeck", "bare import"
Kind = Literal["ratio", "net", "growth", "more", "seconds", "memory"]
FLAT = 1.25
"""What "flat" and "equal" leave for noise."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal: some work, what it is held against, and the aim at each size.

    `kind` says what is computed, run by run: the ratio to a peer; the same net of a bare import
    of the models; the ratio to limbeck's own time at another size (`peer`); seconds more than a
    peer; seconds; megabytes beyond those of a bare import.
    """

    name: str
    work: str
    unit: str
    kind: Kind
    aims: Mapping[int, float]
    peer: str = ""

    def aim(self, size: int) -> float:
        """Return the aim at a size; at one that the goal does not name, that of the next larger."""
        larger = [each for each in sorted(self.aims) if each >= size]
        return self.aims[(larger or [max(self.aims)])[0]]


def _same(aim: float, *sizes: int) -> dict[int, float]:
    return dict.fromkeys(sizes, aim)


DRIZZLE, ALEMBIC, DUMP = "drizzle-kit 0.31", "Alembic", "pg_dump"
T, R = works.TABLES, works.REVISIONS
GOALS = (
    Goal(
        "generate, one column, net of a bare import of the models",
        works.ONE, T, "net", {10: 1.5, 100: 1.0, 1000: 1.0, 5000: 1.0}, DRIZZLE,
    ),
    Goal(
        "generate, one column, import included",
        works.ONE, T, "ratio", _same(0.5, 100, 1000, 5000), ALEMBIC,
    ),
    Goal(
        "generate, nothing changed",
        works.NOTHING, T, "ratio", {10: 0.34, 100: 0.22, 1000: 0.07}, DRIZZLE,
    ),
    Goal(
        "migrate, new database, no lint",
        works.NEW, R, "ratio", _same(1.0, 100, 500, 2000), ALEMBIC,
    ),
    Goal(
        "migrate, new database, no lint, 30 ms away",
        works.NEW_AWAY, R, "ratio", _same(0.3, 100, 500, 2000), ALEMBIC,
    ),
    Goal(
        "migrate -e production with lint, first revision",
        works.PROTECTED, T, "ratio", {1000: 2.5}, ALEMBIC,
    ),
    Goal(
        "migrate, nothing pending, by tables",
        works.PENDING, T, "ratio", _same(0.7, 10, 100, 1000, 5000), DRIZZLE,
    ),
    Goal(
        "migrate, nothing pending, by revisions",
        works.PENDING, R, "ratio", _same(0.7, 1, 100, 500, 2000), DRIZZLE,
    ),
    Goal(
        "migrate, nothing pending: flat in tables",
        works.PENDING, T, "growth", {5000: FLAT}, "10",
    ),
    Goal(
        "migrate, nothing pending: flat in revisions",
        works.PENDING, R, "growth", {2000: FLAT}, "1",
    ),
    Goal(
        "readers' longest wait while a column is added",
        works.WAIT, R, "ratio", _same(1.0, 1, 2000), ALEMBIC,
    ),
    Goal(
        "readers' longest wait: equal at any number of revision files",
        works.WAIT, R, "growth", {2000: FLAT}, "1",
    ),
    Goal(
        "lint, one column, beyond generate",
        works.LINT, T, "more", {1000: 3.0}, "limbeck generate",
    ),
    Goal("pull", works.PULL, T, "ratio", {5000: 2.0}, DUMP),
    Goal("diff of equal", works.EQUAL, T, "ratio", {5000: 3.0}, DUMP),
    Goal("status", works.STATUS, works.ENVIRONMENTS, "seconds", {200: 5.0}),
    Goal(
        "memory beyond the models' own: generate, one column",
        works.ONE, T, "memory", {5000: 250.0}, BARE,
    ),
    Goal(
        "memory beyond the models' own: migrate, new database",
        works.NEW, R, "memory", {2000: 250.0}, BARE,
    ),
    Goal("memory: pull", works.PULL, T, "memory", {5000: 250.0}),
    Goal("memory: diff of equal", works.EQUAL, T, "memory", {5000: 250.0}),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """A goal at one size: the median of its value, or None and why; what both took."""

    goal: Goal
    size: int
    value: float | None
    ours: float | None
    theirs: float | None
    why_not: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the aim is met, to two decimals; None where nothing was measured."""
        return None if self.value is None else round(self.value, 2) <= self.goal.aim(self.size)


def results(rows: Rows) -> Iterator[Result]:
    """Yield each goal at each of its sizes, or at those of a quick run."""
    for goal in GOALS:
        measured = rows.sizes(goal.work, goal.unit)
        if goal.kind == "growth":
            measured = [size for size in measured if size > int(goal.peer)]
        aimed = list(goal.aims)
        sizes = aimed if set(aimed) & set(measured) or not measured else measured
        yield from (_result(goal, size, rows) for size in sizes)


def _result(goal: Goal, size: int, rows: Rows) -> Result:
    ours = rows.good(goal.work, goal.unit, size, OURS)
    theirs = _others(goal, size, rows)
    values = [
        value
        for run, row in ours.items()
        if (value := _value(goal, size, run, row, rows, theirs)) is not None
    ]
    median_of = median if values else None
    return Result(
        goal,
        size,
        median_of(values) if median_of else None,
        _middle(goal, ours),
        _middle(goal, theirs),
        "" if values else _why_not(goal, size, rows),
    )


def _others(goal: Goal, size: int, rows: Rows) -> dict[int, Row]:
    if goal.kind == "growth":
        return rows.good(goal.work, goal.unit, int(goal.peer), OURS)
    return rows.good(goal.work, goal.unit, size, goal.peer) if goal.peer else {}


def _middle(goal: Goal, runs: Mapping[int, Row]) -> float | None:
    if not runs:
        return None
    return median(row.peak if goal.kind == "memory" else row.seconds for row in runs.values())


def _value(  # noqa: PLR0911, PLR0913, PLR0917 - a run of a goal, and what it is compared with
    goal: Goal, size: int, run: int, row: Row, rows: Rows, theirs: Mapping[int, Row]
) -> float | None:
    """Return the value of one run; None where the peer has none."""
    if goal.kind == "seconds":
        return row.seconds
    if goal.kind == "memory" and not goal.peer:
        return row.peak
    if goal.kind == "growth":
        small = _middle(goal, theirs)
        return row.seconds / small if small else None
    if run not in theirs:
        return None
    other = theirs[run]
    match goal.kind:
        case "net":
            bare = rows.good(goal.work, goal.unit, size, BARE).get(run)
            return (row.seconds - bare.seconds) / other.seconds if bare else None
        case "more":
            return row.seconds - other.seconds
        case "memory":
            return row.peak - other.peak
    return row.seconds / other.seconds


def _why_not(goal: Goal, size: int, rows: Rows) -> str:
    for tool in (OURS, goal.peer, BARE):
        for row in rows.of(goal.work, goal.unit, size, tool):
            if row.error:
                return f"{tool}: {row.error}"
    return "not measured"
