"""A diagram as SVG, which any browser shows, light or dark as its reader prefers."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from limbeck.output.erd.layout import HEAD, PADDING, ROW, Layout, Place, cut, keys, kind, laid_out
from limbeck.output.erd.words import crossed, noted
from limbeck.plurals import counted
from limbeck.schema.diagram import Diagram, Line, Link
from limbeck.visible import visible

MARGIN: Final = 24.0
SIGNS: Final = {"same": "", "new": "+ ", "gone": "- ", "changed": "~ "}

STYLE: Final = """
.erd { --paper: #ffffff; --ink: #1f2328; --dim: #59636e; --line: #818b98; --head: #f0f3f6;
  --new: #1a7f37; --gone: #cf222e; --changed: #9a6700; background: var(--paper); }
@media (prefers-color-scheme: dark) { .erd { --paper: #0d1117; --ink: #f0f6fc; --dim: #9198a1;
  --line: #656c76; --head: #21262d; --new: #3fb950; --gone: #f85149; --changed: #d29922; } }
.erd text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  fill: var(--ink); unicode-bidi: isolate; }
.erd .name { font-weight: 600; }
.erd .type, .erd .key { fill: var(--dim); }
.erd .frame { fill: var(--paper); stroke: var(--line); }
.erd .head { fill: var(--head); }
.erd .link { fill: none; stroke: var(--line); stroke-width: 1.3; }
.erd .new > .frame, .erd .link.new { stroke: var(--new); stroke-width: 2; }
.erd .gone > .frame, .erd .link.gone { stroke: var(--gone); stroke-width: 2;
  stroke-dasharray: 5 4; }
.erd .changed > .frame { stroke: var(--changed); stroke-width: 2; }
.erd .new > .name, .erd .row.new text { fill: var(--new); }
.erd .gone > .name, .erd .row.gone text { fill: var(--gone); text-decoration: line-through; }
.erd .changed > .name, .erd .row.changed text { fill: var(--changed); }
"""

# The foot at the end of a link where many rows refer to the same, and the bar where only one does.
MARKS: Final = """<defs>
<marker id="many" viewBox="0 0 12 12" refX="12" refY="6" markerWidth="12" markerHeight="12" \
orient="auto-start-reverse"><path d="M0 6 L12 0 M0 6 L12 6 M0 6 L12 12" fill="none" \
stroke="#818b98"/></marker>
<marker id="one" viewBox="0 0 12 12" refX="12" refY="6" markerWidth="12" markerHeight="12" \
orient="auto-start-reverse"><path d="M6 1 L6 11" fill="none" stroke="#818b98"/></marker>
</defs>"""


def svg(diagram: Diagram) -> str:
    """Return the diagram as one SVG element, with nothing that is loaded from elsewhere."""
    layout = laid_out(diagram)
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    title = f"{counted(len(diagram.boxes), 'table')}, {counted(len(diagram.links), 'relation')}"
    box = f"{-MARGIN:.0f} {-MARGIN:.0f} {width:.0f} {height:.0f}"
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="{box}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="erd" role="img" {size}>',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        MARKS,
        *(_link(link, layout) for link in diagram.links),
        *(line for place in layout.places.values() for line in _box(place)),
        "</svg>",
    ]
    return "\n".join(parts)


def _text(text: str) -> str:
    return escape(visible(text))


def _box(place: Place) -> Iterator[str]:
    box = place.box
    label = _text(noted(box.name, box.state))
    yield (
        f'<g class="box {box.state}" data-name="{_text(box.name)}" '
        f'transform="translate({place.x:.1f} {place.y:.1f})">'
    )
    yield f"<title>{label}{f': {_text(box.comment)}' if box.comment else ''}</title>"
    width = place.width
    yield f'<rect class="frame" width="{width:.1f}" height="{place.height:.1f}" rx="6"/>'
    yield f'<rect class="head" x="1" y="1" width="{width - 2:.1f}" height="{HEAD - 4}" rx="5"/>'
    yield f'<text class="name" x="{PADDING}" y="17">{SIGNS[box.state]}{_text(cut(box.name))}</text>'
    for number, line in enumerate(box.lines):
        yield _row(line, width, HEAD + ROW * number + 14)
    yield "</g>"


def _row(line: Line, width: float, y: float) -> str:
    title = _text("; ".join([f"{line.name} {line.type}", *crossed(line)]))
    mark = f'<tspan class="key"> {keys(line)}</tspan>' if keys(line) else ""
    return (
        f'<g class="row {line.state}"><title>{title}</title>'
        f'<text x="{PADDING}" y="{y:.1f}">{SIGNS[line.state]}{_text(cut(line.name))}{mark}</text>'
        f'<text class="type" x="{width - PADDING:.1f}" y="{y:.1f}" text-anchor="end">'
        f"{_text(kind(line))}</text></g>"
    )


def _link(link: Link, layout: Layout) -> str:
    source, target = layout.places[link.source], layout.places[link.target]
    y1, y2 = _row_of(source, link), target.y + HEAD / 2
    if source.x > target.x + target.width:
        x1, x2 = source.x, target.x + target.width
        bend = (x1 - x2) / 2
        curve = f"C {x1 - bend:.1f} {y1:.1f} {x2 + bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    else:  # in one column, or a link that goes back: both ends on the right, around the boxes
        x1, x2 = source.x + source.width, target.x + target.width
        out = max(x1, x2) + 40
        curve = f"C {out:.1f} {y1:.1f} {out:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    title = _text(
        noted(f"{source.box.name}: {', '.join(link.columns)} → {target.box.name}", link.state)
    )
    return (
        f'<path class="link {link.state}" d="M {x1:.1f} {y1:.1f} {curve}" '
        f'marker-start="url(#{"many" if link.many else "one"})" marker-end="url(#one)">'
        f"<title>{title}</title></path>"
    )


def _row_of(place: Place, link: Link) -> float:
    if not place.box.lines:
        return place.y + HEAD / 2
    numbers = [n for n, line in enumerate(place.box.lines) if line.name in link.columns]
    return place.y + HEAD + ROW * (min(numbers, default=0) + 0.5)
