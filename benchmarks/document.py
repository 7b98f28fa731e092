"""The generated part of docs/benchmarks.md, from the raw rows alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import charts
import works
from goals import BARE, Goal, Result, results
from rows import Rows

BEGIN, END = "<!-- make bench: begin -->", "<!-- make bench: end -->"
RAW, WHY, MACHINE = "raw.csv", "why.csv", "machine.json"
TOOLS = ("limbeck", "bare import", "limbeck generate", *list(charts.COLORS)[1:-1])
CHARTS = {
    "generate": (works.ONE, works.TABLES, "generate, one column added"),
    "unchanged": (works.NOTHING, works.TABLES, "generate, nothing changed"),
    "pull": (works.PULL, works.TABLES, "pull: models from a database"),
    "migrate": (works.NEW, works.REVISIONS, "migrate, a new database"),
    "pending": (works.PENDING, works.REVISIONS, "migrate, nothing pending"),
}


def write(folder: Path) -> None:
    """Write the charts of a folder, and the part of the document beside it, if there is one."""
    rows = Rows.read(folder / RAW)
    for name, (work, unit, title) in CHARTS.items():
        if rows.sizes(work, unit):
            (folder / f"{name}.svg").write_text(drawing(rows, work, unit, title), "utf-8")
    document = folder.with_suffix(".md")
    if document.exists():
        text = document.read_text("utf-8")
        document.write_text(replaced(text, part(folder)), "utf-8")


def replaced(text: str, new: str) -> str:
    """Return a document with another generated part.

    Raises:
        ValueError: the document has no markers.

    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("docs/benchmarks.md has no markers for the generated part")
    return f"{before}{BEGIN}\n{new}{END}{after}"


def part(folder: Path) -> str:
    """Return the generated part."""
    rows = Rows.read(folder / RAW)
    return "\n".join(
        [
            *_head(rows, folder),
            "",
            *_goals(rows, whys(folder / WHY)),
            "",
            *_charts(rows, folder.name),
            *_tools(rows),
            "",
            *_cannot(rows),
            "",
        ]
    )


def whys(path: Path) -> dict[tuple[str, int], str]:
    """Return the hand-written words about goals, by name and size."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {(line["goal"], int(line["at"])): line["why"] for line in csv.DictReader(file)}


def drawing(rows: Rows, work: str, unit: str, title: str) -> str:
    """Return the chart of some work."""
    tools = _tools_of(rows, work, unit)
    if work != works.ONE:  # elsewhere the bare import only serves the goal of memory
        tools = [tool for tool in tools if tool != BARE]
    lines: dict[str, dict[int, float]] = {tool: {} for tool in tools}
    for tool, line in lines.items():
        for size in rows.sizes(work, unit):
            seconds = rows.seconds(work, unit, size, tool)
            if seconds:
                line[size] = seconds
    return charts.chart(title, unit, lines)


def _head(rows: Rows, folder: Path) -> Iterator[str]:
    path = folder / MACHINE
    machine: Mapping[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    commits = sorted({row.commit for row in rows})
    yield (
        f"Measured by `make bench` on {' and '.join(commits) or 'no commit'}"
        f" ({machine.get('date', 'no date')}): {machine.get('machine', 'no machine')}."
    )
    versions: dict[str, str] = {}
    for row in rows:
        if row.version and row.tool not in {"limbeck", "limbeck generate"}:
            versions[row.tool] = row.version
    named = (
        version if tool == "bare import" else f"{tool}: {version}"
        for tool, version in versions.items()
    )
    yield f"{'; '.join(named)}." if versions else ""


def _goals(rows: Rows, words: Mapping[tuple[str, int], str]) -> Iterator[str]:
    yield "| goal | at | limbeck | beside | measured | aim | |"
    yield "|---|---|---|---|---|---|---|"
    for result in results(rows):
        goal = result.goal
        value = "–" if result.value is None else _value(goal, result.value)
        cells = [
            goal.name,
            _size(result.size, goal.unit),
            _amount(goal, result.ours),
            _beside(goal, result),
            value,
            f"≤ {_value(goal, goal.aim(result.size))}",
            _verdict(result, words.get((goal.name, result.size), "")),
        ]
        yield f"| {' | '.join(cells)} |"


def _verdict(result: Result, why: str) -> str:
    verdict = "met" if result.met else "**missed**" if result.met is False else result.why_not
    return f"{verdict}: {why}" if why else verdict


def _beside(goal: Goal, result: Result) -> str:
    if not goal.peer or result.theirs is None:
        return ""
    name = f"at {_size(int(goal.peer), goal.unit)}" if goal.kind == "growth" else goal.peer
    return f"{name} {_amount(goal, result.theirs)}"


def _size(size: int, unit: str) -> str:
    return f"{size:,} {unit.removesuffix('s') if size == 1 else unit}"


def _value(goal: Goal, value: float) -> str:
    match goal.kind:
        case "memory":
            return f"{value:.0f} MB"
        case "more":
            return f"{value:.1f} s more"
        case "seconds":
            return f"{value:.1f} s"
    return f"{value:.2f}"


def _amount(goal: Goal, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f} MB" if goal.kind == "memory" else seconds(value)


def seconds(value: float) -> str:
    """Return seconds with three digits; below a tenth, milliseconds."""
    if value < 0.1:  # noqa: PLR2004 - where milliseconds read better
        return f"{value * 1000:.1f} ms" if value < 0.01 else f"{value * 1000:.0f} ms"  # noqa: PLR2004
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"  # noqa: PLR2004


def _charts(rows: Rows, folder: str) -> Iterator[str]:
    for name, (work, unit, title) in CHARTS.items():
        if rows.sizes(work, unit):
            yield f"![{title}, by {unit}]({folder}/{name}.svg)"
            yield ""


def _tools(rows: Rows) -> Iterator[str]:
    yield "Seconds on the clock, medians; in parentheses the processor seconds of the command and"
    yield "of the server's sessions together."
    for unit in (works.TABLES, works.REVISIONS, works.ENVIRONMENTS):
        of_unit = [work.name for work in works.WORKS if work.unit == unit]
        measured = {tool for name in of_unit for tool in _tools_of(rows, name, unit)}
        tools = [tool for tool in TOOLS if tool in measured]
        if not tools:
            continue
        yield ""
        yield f"| work | {unit} | {' | '.join(tools)} |"
        yield f"|---|---|{'---|' * len(tools)}"
        for name in of_unit:
            for size in rows.sizes(name, unit):
                cells = (_cell(rows, name, unit, size, tool) for tool in tools)
                yield f"| {name} | {size:,} | {' | '.join(cells)} |"


def _cell(rows: Rows, work: str, unit: str, size: int, tool: str) -> str:
    good = rows.good(work, unit, size, tool)
    middle = rows.seconds(work, unit, size, tool)
    if middle is None:
        errors = [row.error for row in rows.of(work, unit, size, tool) if row.error]
        stopped = [error for error in errors if error.startswith("stopped")]
        return (stopped or ["failed" if _failed(errors) else ""])[0]
    if work == works.WAIT:
        return seconds(middle)
    used = sorted(row.cpu + row.server for row in good.values())
    return f"{middle:.2f} ({used[len(used) // 2]:.2f})"


def _failed(errors: list[str]) -> bool:
    return any(error.startswith(("exit", "set-up")) for error in errors)


def _tools_of(rows: Rows, work: str, unit: str) -> list[str]:
    """Return the tools that have a figure of some work."""
    tools = {row.tool for row in rows if (row.work, row.unit) == (work, unit) and not row.error}
    return [tool for tool in TOOLS if tool in tools]


def _cannot(rows: Rows) -> Iterator[str]:
    """Yield what each tool has no figure for, and why."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        if row.error:
            place = f"{row.work} at {row.size:,} {row.unit}" if _own(row.error) else row.work
            places = reasons.setdefault(row.tool, {}).setdefault(row.error, [])
            if place not in places:
                places.append(place)
    yield "| tool | has no figure for |"
    yield "|---|---|"
    for tool, by_reason in reasons.items():
        general = [reason for reason in by_reason if not _own(reason)]
        parts = (
            f"{reason} ({'all others' if general == [reason] else ' · '.join(places)})"
            for reason, places in by_reason.items()
        )
        escaped = "; ".join(parts).replace("|", "\\|")
        yield f"| {tool} | {escaped} |"


def _own(error: str) -> bool:
    """Return whether an error is one of a run, not of the tool as such."""
    return error.startswith(("stopped", "exit", "set-up", "measured up to"))
