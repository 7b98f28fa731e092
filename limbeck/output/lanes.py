"""The phases of changes without downtime as SVG: a lane for each change in each environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from limbeck.masking.mask import masked
from limbeck.run.lanes import Lane, Stage
from limbeck.visible import visible

LEFT: Final = 230
BOX: Final = 210
GAP: Final = 34
LANE: Final = 64
HEAD: Final = 56
MARGIN: Final = 16
CLASSES: Final = {"done": "done", "running": "now", "on hold": "hold", "open": "open"}
WHO: Final = {
    "Expand": "old application",
    "Backfill": "old and new application",
    "Contract": "new application",
}

STYLE: Final = """
.lanes { --paper: #ffffff; --ink: #1f2328; --dim: #59636e; --done: #1a7f37; --now: #9a6700;
  --hold: #cf222e; --open: #818b98; background: var(--paper); }
@media (prefers-color-scheme: dark) { .lanes { --paper: #0d1117; --ink: #f0f6fc; --dim: #9198a1;
  --done: #3fb950; --now: #d29922; --hold: #f85149; --open: #656c76; } }
.lanes text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono",
  monospace; fill: var(--ink); unicode-bidi: isolate; }
.lanes .paper { fill: var(--paper); }
.lanes .name { font-weight: 600; }
.lanes .dim { fill: var(--dim); }
.lanes .box { fill-opacity: 0.14; stroke-width: 1.5; }
.lanes .done { fill: var(--done); stroke: var(--done); }
.lanes .now { fill: var(--now); stroke: var(--now); stroke-dasharray: 6 3; }
.lanes .hold { fill: var(--hold); stroke: var(--hold); stroke-dasharray: 3 3; }
.lanes .open { fill: none; stroke: var(--open); stroke-dasharray: 1 3; }
.lanes .arrow { stroke: var(--dim); stroke-width: 1.5; fill: none; }
"""


def svg(lanes: Sequence[Lane]) -> str:
    """Return the lanes as one SVG element, with nothing that is loaded from elsewhere."""
    width = LEFT + 3 * BOX + 2 * GAP + 2 * MARGIN
    height = HEAD + LANE * max(len(lanes), 1) + 2 * MARGIN
    box = f'width="{width}" height="{height}"'
    view = f'viewBox="0 0 {width} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lanes" role="img" {box} {view}>',
        "<title>Phases of changes without downtime</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" {box}/>',
        *_head(),
        *(part for number, lane in enumerate(lanes) for part in _lane(number, lane, lanes)),
        "</svg>",
    ]
    return "\n".join(parts)


def _x(stage: int) -> int:
    return MARGIN + LEFT + stage * (BOX + GAP)


def _head() -> Iterator[str]:
    for number, (title, who) in enumerate(WHO.items()):
        yield f'<text class="name" x="{_x(number)}" y="{MARGIN + 14}">{title}</text>'
        yield f'<text class="dim" x="{_x(number)}" y="{MARGIN + 32}">{who}</text>'


def _lane(number: int, lane: Lane, lanes: Sequence[Lane]) -> Iterator[str]:
    y = MARGIN + HEAD + LANE * number
    if not number or lanes[number - 1].change != lane.change:
        yield f'<text class="name" x="{MARGIN}" y="{y + 16}">{_text(lane.change, 30)}</text>'
    yield f'<text class="dim" x="{MARGIN}" y="{y + 33}">{_text(lane.environment, 30)}</text>'
    for place, stage in enumerate(lane.stages):
        yield from _stage(_x(place), y, stage)
        if place:
            middle = y + LANE // 2 - 10
            line = f"M {_x(place) - GAP + 4} {middle} h {GAP - 8} m -5 -4 l 5 4 l -5 4"
            yield f'<path class="arrow" d="{line}"/>'


def _stage(x: int, y: int, stage: Stage) -> Iterator[str]:
    words = f"{stage.state}: {stage.detail}" if stage.detail else stage.state
    yield f"<g><title>{stage.name} {_text(words, 1000)}</title>"
    kind = CLASSES[stage.state]
    yield f'<rect class="box {kind}" x="{x}" y="{y}" width="{BOX}" height="{LANE - 20}" rx="4"/>'
    yield f'<text x="{x + 8}" y="{y + 18}">{stage.state}</text>'
    if stage.detail:
        yield f'<text class="dim" x="{x + 8}" y="{y + 35}">{_text(stage.detail, 27)}</text>'
    yield "</g>"


def _text(text: str, longest: int) -> str:
    shown = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return escape(visible(masked(shown)))
