"""The raw rows of runs: a CSV file, a row for each time a tool has done some work."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Row:
    """One run of a tool, or why there is none (`error`).

    Run 0 warms up. `seconds` are those on the clock, or the longest wait where waits are measured.
    """

    commit: str
    work: str
    size: int
    unit: str
    tool: str
    version: str
    run: int
    seconds: float = 0.0
    cpu: float = 0.0
    server: float = 0.0
    peak: float = 0.0
    error: str = ""


@dataclass(slots=True)
class Rows:
    """The rows of a file, which is written anew after each change: a killed run loses nothing."""

    path: Path | None = None
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Rows:
        """Return the rows of a file; none if it is missing."""
        if not path.exists():
            return cls(path)
        with path.open(newline="", encoding="utf-8") as file:
            return cls(path, [_row(line) for line in csv.DictReader(file)])

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def replace(self, work: str, size: int, unit: str) -> None:
        """Remove what earlier runs have of some work; new rows follow."""
        self.rows = [
            row for row in self.rows if (row.work, row.size, row.unit) != (work, size, unit)
        ]

    def add(self, rows: Iterable[Row]) -> None:
        """Append rows and save all."""
        self.rows += rows
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        with beside.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [each.name for each in fields(Row)], lineterminator="\n")
            writer.writeheader()
            writer.writerows(asdict(row) for row in self.rows)
        beside.replace(self.path)

    def of(self, work: str, unit: str, size: int, tool: str) -> list[Row]:
        """Return the rows of a tool at some work; errors too."""
        return [
            row
            for row in self.rows
            if (row.work, row.unit, row.size, row.tool) == (work, unit, size, tool)
        ]

    def good(self, work: str, unit: str, size: int, tool: str) -> dict[int, Row]:
        """Return the runs that count, by their number: the warm-up only if it is the only one."""
        runs = {row.run: row for row in self.of(work, unit, size, tool) if not row.error}
        return {run: row for run, row in runs.items() if run or len(runs) == 1}

    def seconds(self, work: str, unit: str, size: int, tool: str) -> float | None:
        """Return the median seconds of a tool at some work."""
        runs = self.good(work, unit, size, tool)
        return median(row.seconds for row in runs.values()) if runs else None

    def sizes(self, work: str, unit: str) -> list[int]:
        """Return the sizes at which some work has been measured."""
        return sorted({row.size for row in self.rows if (row.work, row.unit) == (work, unit)})


def _row(line: dict[str, str]) -> Row:
    return Row(
        line["commit"],
        line["work"],
        int(line["size"]),
        line["unit"],
        line["tool"],
        line["version"],
        int(line["run"]),
        float(line["seconds"]),
        float(line["cpu"]),
        float(line["server"]),
        float(line["peak"]),
        line["error"],
    )
