"""The locks of revisions as SVG: statements from top to bottom, a bar for each lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from limbeck.lint.locks import Lock, Timeline
from limbeck.lint.rules.hazard import blocks, spelt
from limbeck.masking.mask import masked
from limbeck.visible import visible

ROW: Final = 22
HEAD: Final = 78
COLUMN: Final = 200
MARGIN: Final = 16
LETTER: Final = 7.25
"""The width of a letter of 12 pixels in the widest of the fonts."""
LONGEST: Final = 72
"""How much of a statement is shown; its title has all of it."""
CLASSES: Final = {"reads and writes": "all", "writes": "some", None: "none"}
WORDS: Final = {
    "all": "blocks reads and writes",
    "some": "blocks writes",
    "none": "blocks DDL only",
}

STYLE: Final = """
.locks { --paper: #ffffff; --ink: #1f2328; --dim: #59636e; --line: #d1d9e0; --all: #cf222e;
  --some: #9a6700; --none: #1a7f37; background: var(--paper); }
@media (prefers-color-scheme: dark) { .locks { --paper: #0d1117; --ink: #f0f6fc; --dim: #9198a1;
  --line: #3d444d; --all: #f85149; --some: #d29922; --none: #3fb950; } }
.locks text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono",
  monospace; fill: var(--ink); unicode-bidi: isolate; }
.locks .paper { fill: var(--paper); }
.locks .name { font-weight: 600; }
.locks .dim { fill: var(--dim); }
.locks .commit { stroke: var(--dim); stroke-dasharray: 2 3; }
.locks .bar { stroke-width: 1.5; fill-opacity: 0.16; }
.locks .all { fill: var(--all); stroke: var(--all); }
.locks .some { fill: var(--some); stroke: var(--some); stroke-dasharray: 6 3; }
.locks .none { fill: var(--none); stroke: var(--none); stroke-dasharray: 1 3; }
"""


def svg(timelines: Sequence[Timeline], *, timed: bool = False) -> str:
    """Return a picture of the locks, with nothing that is loaded from elsewhere.

    `timed` shows how long each statement took and each lock was held: of a run on real rows.
    """
    parts, top, width = [], MARGIN, 0.0
    for each in timelines:
        height, own = _height(each), _width(each)
        parts += [f'<g transform="translate({MARGIN} {top})">', *_revision(each, timed), "</g>"]
        top, width = top + height, max(width, own)
    box = f'width="{width + 2 * MARGIN:.0f}" height="{top + MARGIN:.0f}"'
    view = f"0 0 {width + 2 * MARGIN:.0f} {top + MARGIN:.0f}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="locks" role="img" {box} viewBox="{view}">',
        "<title>Locks of the revisions, by statement</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" {box}/>',
        *parts,
        "</svg>",
    ]
    return "\n".join(lines)


def _tables(timeline: Timeline) -> list[str]:
    return list(dict.fromkeys(lock.table for lock in timeline.locks))


def _left(timeline: Timeline) -> float:
    """Return the width of the column of statements."""
    longest = max((len(_cut(each.text)) for each in timeline.moments), default=20)
    return (max(longest, 40) + 14) * LETTER


def _width(timeline: Timeline) -> float:
    return _left(timeline) + COLUMN * max(len(_tables(timeline)), 1)


def _height(timeline: Timeline) -> int:
    return HEAD + ROW * len(timeline.moments) + 3 * ROW


def _revision(timeline: Timeline, timed: bool) -> Iterator[str]:  # noqa: FBT001 - as in svg
    revision, left = timeline.revision, _left(timeline)
    yield f'<text class="name" y="14">{_text(revision.id)}  {_text(revision.message)}</text>'
    yield f'<text class="dim" y="{HEAD - 26}">line</text>'
    tables = _tables(timeline)
    for number, table in enumerate(tables):
        x = left + COLUMN * number
        yield f'<text class="name" x="{x:.0f}" y="{HEAD - 26}">{_text(_cut(table, 24))}</text>'
    if not tables:
        yield f'<text class="dim" x="{left:.0f}" y="{HEAD - 26}">no lock on existing tables</text>'
    yield from _statements(timeline, left, timed)
    yield from _commits(timeline, left + COLUMN * max(len(tables), 1) - 30)
    for lock in timeline.locks:
        yield from _bar(timeline, lock, left + COLUMN * tables.index(lock.table), timed)


def _statements(timeline: Timeline, left: float, timed: bool) -> Iterator[str]:  # noqa: FBT001
    for number, moment in enumerate(timeline.moments):
        y = HEAD + ROW * number
        took = f"{moment.seconds:.2f} s" if timed else ""
        yield f"<g><title>{_text(moment.text)}</title>"
        yield f'<text class="dim" y="{y}">{moment.line or ""}</text>'
        yield f'<text x="36" y="{y}">{_text(_cut(moment.text))}</text>'
        if took:
            yield f'<text class="dim" x="{left - 12:.0f}" y="{y}" text-anchor="end">{took}</text>'
        yield "</g>"


def _commits(timeline: Timeline, width: float) -> Iterator[str]:
    """Yield a line below each statement after which locks are released."""
    moments = timeline.moments
    for number, moment in enumerate(moments):
        following = moments[number + 1] if number + 1 < len(moments) else None
        if (
            following is None
            or moment.transaction is None
            or (moment.transaction != following.transaction)
        ):
            y = HEAD + ROW * number + 7
            yield f'<line class="commit" x1="0" x2="{width:.0f}" y1="{y}" y2="{y}"/>'


def _bar(timeline: Timeline, lock: Lock, x: float, timed: bool) -> Iterator[str]:  # noqa: FBT001
    kind = CLASSES[blocks(lock.mode)]
    top, height = HEAD + ROW * lock.first - 14, ROW * (lock.last - lock.first) + ROW - 3
    held = f", {timeline.seconds(lock):.2f} s" if timed else ""
    lines = f"statements {lock.first + 1} to {lock.last + 1}{held}"
    yield f"<g><title>{spelt(lock.mode)} on {_text(lock.table)}, {lines}</title>"
    yield (
        f'<rect class="bar {kind}" x="{x:.0f}" y="{top}" width="{COLUMN - 16}" height="{height}"'
        ' rx="3"/>'
    )
    yield f'<text x="{x + 6:.0f}" y="{top + 14}">{WORDS[kind]}{held}</text></g>'


def _cut(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _text(text: str) -> str:
    return escape(visible(masked(text)))
