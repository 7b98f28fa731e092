"""Where the boxes of a diagram stand: in columns, each to the right of the tables it refers to.

A group is what hangs together by links. Each group is laid out by itself: its ranks are columns,
ordered so that linked tables stand at a similar height. The groups are put on shelves.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diagram import Box, Diagram, Line

CHARACTER: Final = 7.3
"""The width of a character of the monospaced font, in which a text has the width of its length."""
ROW: Final = 20.0
HEAD: Final = 28.0
PADDING: Final = 12.0
GAP: Final = 28.0
CHANNEL: Final = 96.0
"""The space between two columns, through which the links run."""
LONGEST: Final = 44
"""Longer names are cut; the whole name is in the title of its row."""
SWEEPS: Final = 6
TALLEST: Final = 1200.0
"""A column that is taller than this, and than the group is wide, goes on in another one."""

Links: TypeAlias = Mapping[Address, set[Address]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a box stands, by its upper left corner."""

    box: Box
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of all boxes, and the size of the picture."""

    places: Mapping[Address, Place]
    width: float
    height: float


def laid_out(diagram: Diagram) -> Layout:
    """Return the places of the boxes; two runs on the same diagram return the same."""
    boxes = {box.address: box for box in diagram.boxes}
    targets: dict[Address, set[Address]] = {address: set() for address in boxes}
    for link in diagram.links:
        if link.source != link.target:
            targets[link.source].add(link.target)
    groups = [_group(members, boxes, targets) for members in _together(targets)]
    return _shelved(groups)


def cut(text: str) -> str:
    """Return a name that fits a box."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def kind(line: Line) -> str:
    """Return the type of a column as its row shows it."""
    return cut(line.type) + (" null" if line.nullable else "")


def keys(line: Line) -> str:
    """Return the marks of a column that is part of a key."""
    return " ".join(word for word, is_ in (("PK", line.primary), ("FK", line.foreign)) if is_)


def wide(text: str) -> float:
    """Return the width of a text; letters of East Asia take the space of two others."""
    return CHARACTER * sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _size(box: Box) -> tuple[float, float]:
    rows = [wide(cut(line.name)) + wide(kind(line)) + 5 * CHARACTER + 30 for line in box.lines]
    width = max([wide(cut(box.name)) + 8 * CHARACTER, 120, *rows])
    return 2 * PADDING + width, HEAD + ROW * len(box.lines) + 6


def _together(targets: Links) -> Iterator[list[Address]]:
    """Yield the tables that hang together, the largest group first."""
    beside: dict[Address, set[Address]] = {address: set(ends) for address, ends in targets.items()}
    for address, ends in targets.items():
        for end in ends:
            beside[end].add(address)
    groups = []
    left = dict.fromkeys(targets)
    while left:
        group = _reached(next(iter(left)), beside)
        groups.append(group)
        for address in group:
            del left[address]
    yield from sorted(groups, key=lambda group: (-len(group), group))


def _reached(start: Address, beside: Links) -> list[Address]:
    seen = {start}
    waiting = [start]
    while waiting:
        new = beside[waiting.pop()] - seen
        seen |= new
        waiting += new
    return sorted(seen)


def _ranks(members: Sequence[Address], targets: Links) -> dict[Address, int]:
    """Return for each table how far it is from those that refer to nothing.

    Of a circle of references, the one that closes it does not count.
    """
    ranks: dict[Address, int] = {}
    left = set(members)
    while left:
        ready = [address for address in left if targets[address] <= ranks.keys()]
        if not ready:
            ready = [min(left, key=lambda each: (len(targets[each] - ranks.keys()), each))]
        above = {
            address: 1
            + max((ranks[each] for each in targets[address] if each in ranks), default=-1)
            for address in ready
        }
        ranks |= above
        left -= above.keys()
    return ranks


def _group(members: Sequence[Address], boxes: Mapping[Address, Box], targets: Links) -> Layout:
    """Return the layout of tables that hang together."""
    sizes = {address: _size(boxes[address]) for address in members}
    columns = _columns(members, targets, sizes)
    tallest = max(_height(column, sizes) for column in columns)
    places: dict[Address, Place] = {}
    x = 0.0
    for column in columns:
        y = (tallest - _height(column, sizes)) / 2
        for address in column:
            places[address] = Place(boxes[address], x, y, *sizes[address])
            y += sizes[address][1] + GAP
        x += max(sizes[address][0] for address in column) + CHANNEL
    return Layout(places, x - CHANNEL, tallest)


def _height(column: Sequence[Address], sizes: Mapping[Address, tuple[float, float]]) -> float:
    return sum(sizes[address][1] + GAP for address in column) - GAP


def _columns(
    members: Sequence[Address], targets: Links, sizes: Mapping[Address, tuple[float, float]]
) -> list[list[Address]]:
    """Return the ranks as columns, each in its order, those too tall in several pieces."""
    ranks = _ranks(members, targets)
    columns: list[list[Address]] = [[] for _ in range(max(ranks.values()) + 1)]
    for address in members:
        columns[ranks[address]].append(address)
    _order(columns, targets)
    area = sum(width * (height + GAP) for width, height in sizes.values())
    limit = max(TALLEST, math.sqrt(area))
    return [piece for column in columns for piece in _pieces(column, sizes, limit)]


def _order(columns: list[list[Address]], targets: Links) -> None:
    """Order each column by where the tables stand that its own are linked with."""
    beside: dict[Address, set[Address]] = {}
    for column in columns:
        for address in column:
            for end in targets[address]:
                beside.setdefault(address, set()).add(end)
                beside.setdefault(end, set()).add(address)
    heights = {address: n / len(column) for column in columns for n, address in enumerate(column)}
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            middles = {each: _middle(each, beside, heights) for each in column}
            column.sort(key=lambda each: (middles[each], each))
            heights |= {address: n / len(column) for n, address in enumerate(column)}


def _middle(address: Address, beside: Links, heights: Mapping[Address, float]) -> float:
    ends = beside.get(address, ())
    return sum(heights[end] for end in ends) / len(ends) if ends else heights[address]


def _pieces(
    column: Sequence[Address], sizes: Mapping[Address, tuple[float, float]], limit: float
) -> Iterator[list[Address]]:
    piece: list[Address] = []
    for address in column:
        if piece and _height([*piece, address], sizes) > limit:
            yield piece
            piece = []
        piece.append(address)
    yield piece


def _shelved(groups: Iterable[Layout]) -> Layout:
    """Return the groups beside and below each other, in a picture that is wider than tall."""
    ordered = sorted(groups, key=lambda group: -group.height)
    area = sum((each.width + CHANNEL) * (each.height + 2 * GAP) for each in ordered)
    limit = max([math.sqrt(area) * 1.4, *(each.width for each in ordered)])
    places: dict[Address, Place] = {}
    x = y = tall = widest = 0.0
    for group in ordered:
        if x and x + group.width > limit:
            x, y, tall = 0.0, y + tall + 2 * GAP, 0.0
        for address, each in group.places.items():
            places[address] = Place(each.box, x + each.x, y + each.y, each.width, each.height)
        widest = max(widest, x + group.width)
        x, tall = x + group.width + CHANNEL, max(tall, group.height)
    return Layout(places, widest, y + tall)
