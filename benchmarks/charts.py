"""Charts of time against size as SVG: a line for each tool, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 180, 44, 52
COLORS = {  # for light pages, for dark ones
    "limbeck": ("#d1242f", "#ff7b72"),
    "Alembic": ("#0969da", "#79c0ff"),
    "drizzle-kit 0.31": ("#1a7f37", "#56d364"),
    "drizzle-kit 1.0-rc": ("#4d7c0f", "#a3d977"),
    "Django": ("#8250df", "#d2a8ff"),
    "dbmate": ("#9a6700", "#e3b341"),
    "sqitch": ("#bf3989", "#f778ba"),
    "sqlacodegen": ("#0a7a8c", "#76e3ea"),
    "migra": ("#a0522d", "#ffa657"),
    "psql": ("#57606a", "#b1bac4"),
    "pg_dump": ("#57606a", "#b1bac4"),
    "bare import": ("#8c959f", "#8b949e"),
}
OTHER = ("#57606a", "#b1bac4")

Line = Mapping[int, float]
"""Seconds by size."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis between two values, on these pixels."""

    low: float
    high: float
    begin: float
    end: float

    def place(self, value: float) -> float:
        """Return the pixel of a value."""
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.begin + share * (self.end - self.begin)


def chart(title: str, unit: str, lines: Mapping[str, Line]) -> str:
    """Return the SVG of a chart; tools without a figure have no line."""
    drawn = {tool: dict(sorted(line.items())) for tool, line in lines.items() if line}
    sizes = sorted({size for line in drawn.values() for size in line}) or [1, 10]
    seconds = [value for line in drawn.values() for value in line.values()] or [1.0]
    across = Axis(sizes[0] / 1.2, sizes[-1] * 1.2, LEFT, WIDTH - RIGHT)
    decades = _decades(min(seconds), max(seconds))
    up = Axis(decades[0], decades[-1], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        _style(list(drawn)),
        f'<text class="title" x="{LEFT}" y="24">{escape(title)}</text>',
        *_grid(sizes, decades, across, up, unit),
    ]
    names = _spread({tool: up.place(list(line.values())[-1]) for tool, line in drawn.items()})
    for number, (tool, line) in enumerate(drawn.items()):
        parts += _line(number, tool, line, across, up, names[tool])
    return "\n".join([*parts, "</svg>", ""])


def _style(tools: Sequence[str]) -> str:
    """Return the rules; colors have no variables, which few programs but browsers understand."""
    light, dark = (
        "".join(_rules(number, COLORS.get(tool, OTHER)[mode]) for number, tool in enumerate(tools))
        for mode in (0, 1)
    )
    return (
        "<style>"
        "svg{font:12px system-ui,sans-serif}.line{fill:none;stroke-width:2}"
        ".title{font-size:15px;font-weight:600}.bold{font-weight:700}"
        ".ours{stroke-width:3.5}.thin{stroke-width:.7;stroke-dasharray:2 3}"
        f"text{{fill:#1f2328}}.grid{{stroke:#d1d9e0}}{light}"
        "@media(prefers-color-scheme:dark){"
        f"text{{fill:#e6edf3}}.grid{{stroke:#3d444d}}{dark}"
        "}</style>"
    )


def _rules(number: int, color: str) -> str:
    return f".t{number} .line{{stroke:{color}}}.t{number} .dot,.t{number} text{{fill:{color}}}"


def _decades(low: float, high: float) -> list[float]:
    first = math.floor(math.log10(low))
    last = max(math.ceil(math.log10(high)), first + 1)
    return [10.0**power for power in range(first, last + 1)]


def _grid(
    sizes: Sequence[int], decades: Sequence[float], across: Axis, up: Axis, unit: str
) -> list[str]:
    parts = []
    for value in decades:
        y = up.place(value)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g} s</text>')
    for size in sizes:
        x = across.place(size)
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        y = HEIGHT - BOTTOM + 18
        parts.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{size:,}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    y = HEIGHT - BOTTOM + 38
    parts.append(f'<text x="{middle:.0f}" y="{y}" text-anchor="middle">{escape(unit)}</text>')
    return parts


def _line(  # noqa: PLR0913, PLR0917 - a tool's line and where it goes
    number: int, tool: str, line: Line, across: Axis, up: Axis, name_y: float
) -> list[str]:
    points = [(across.place(size), up.place(value)) for size, value in line.items()]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    ours = " ours" if tool == "limbeck" else ""
    bold = "bold" if ours else "name"
    end_x, end_y = points[-1]
    x = WIDTH - RIGHT + 14
    label = f"{tool} {_seconds(list(line.values())[-1])}"
    return [
        f'<g class="t{number}"><path class="line{ours}" d="{path}"/>',
        *(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in points),
        f'<path class="line thin" d="M{end_x:.1f} {end_y:.1f}L{x - 4} {name_y:.1f}"/>',
        f'<text class="{bold}" x="{x}" y="{name_y + 4:.1f}">{escape(label)}</text></g>',
    ]


def _spread(places: Mapping[str, float]) -> dict[str, float]:
    """Return places of the names that do not overlap, in the order of the lines' ends."""
    step, result, free = 16.0, {}, TOP + 4.0
    for tool in sorted(places, key=places.__getitem__):
        free = max(free, places[tool])
        result[tool] = free
        free += step
    limit = float(HEIGHT - BOTTOM)
    for tool in reversed(list(result)):  # push back those that the last ones leave no room for
        result[tool] = min(result[tool], limit)
        limit = result[tool] - step
    return result


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.3g} s"
