"""The tables of a schema and their relations, as a diagram shows them; of two, the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final, Literal, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint, Reference
from limbeck.schema.catalog.objects.tables import Table

State: TypeAlias = Literal["same", "new", "gone", "changed"]


@dataclass(frozen=True, slots=True)
class Line:
    """A column in a box; `was` is the type that it had before, if it has another one now."""

    name: str
    type: str
    primary: bool = False
    foreign: bool = False
    nullable: bool = True
    state: State = "same"
    was: str | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """A table."""

    address: Address
    lines: tuple[Line, ...] = ()
    state: State = "same"
    comment: str | None = None

    @property
    def name(self) -> str:
        """The table's name, with its schema if that is not public."""
        _, schema, name, _ = self.address
        return name if schema == "public" else f"{schema}.{name}"


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key from `columns` of a table to another table.

    `many` is whether several rows may have the same target, `optional` whether a row may have none.
    """

    name: str
    source: Address
    columns: tuple[str, ...]
    target: Address
    many: bool = True
    optional: bool = True
    state: State = "same"


@dataclass(frozen=True, slots=True)
class Diagram:
    """Boxes in the order of their names, and the links between them."""

    boxes: tuple[Box, ...] = ()
    links: tuple[Link, ...] = ()

    def only(self, wanted: Callable[[Box], bool]) -> Diagram:
        """Return the diagram with some of its boxes, and the links between these."""
        boxes = tuple(box for box in self.boxes if wanted(box))
        left = {box.address for box in boxes}
        links = (link for link in self.links if {link.source, link.target} <= left)
        return Diagram(boxes, tuple(links))


def diagram(schema: Catalog, before: Catalog | None = None) -> Diagram:
    """Return the diagram of a schema, or of what has changed since an earlier one.

    Partitions are left out: they have the columns and keys of their table.
    """
    sides = [_Side(catalog) for catalog in (before, schema) if catalog is not None]
    addresses = sorted({address for side in sides for address in side.tables})
    old = sides[0] if before is not None else None
    boxes = (_box(address, sides[-1], old) for address in addresses)
    return Diagram(tuple(boxes), tuple(_links(sides[-1], old)))


def narrowed(
    whole: Diagram,
    tables: Sequence[str] = (),
    schemas: Sequence[str] = (),
    near: Sequence[str] = (),
    *,
    changed: bool = False,
) -> Diagram:
    """Return the part of a diagram that was asked for.

    Args:
        whole: The diagram.
        tables: Patterns of "table" or "schema.table"; all of them if there is none.
        schemas: Patterns of schemas.
        near: Patterns of tables that are shown with those which they refer to and those which refer
            to them.
        changed: Only show what has changed, with what it refers to.

    """
    part = whole.only(lambda box: _matches(box.address, tables, schemas))
    centres = {box.address for box in part.boxes if near and _matches(box.address, near, ())}
    if changed:
        centres |= {box.address for box in part.boxes if box.state != "same"}
        centres |= {link.source for link in part.links if link.state != "same"}
    if not (near or changed):
        return part
    beside = {end for link in part.links for end in _beside(link, centres, both=bool(near))}
    return part.only(lambda box: box.address in centres | beside)


def of_names(whole: Diagram) -> Diagram:
    """Return a diagram without columns, for so many tables that nobody reads these."""
    return replace(whole, boxes=tuple(replace(box, lines=()) for box in whole.boxes))


def _beside(link: Link, centres: set[Address], *, both: bool) -> Iterator[Address]:
    if link.source in centres:
        yield link.target
    if both and link.target in centres:
        yield link.source


def _matches(address: Address, tables: Sequence[str], schemas: Sequence[str]) -> bool:
    names = (address.name, f"{address.schema}.{address.name}")
    return _any(tables, names) and _any(schemas, (address.schema,))


def _any(patterns: Sequence[str], names: Iterable[str]) -> bool:
    return not patterns or any(fnmatchcase(name, each) for each in patterns for name in names)


class _Side:
    """The tables of one catalog, with their columns and keys."""

    def __init__(self, catalog: Catalog) -> None:
        self.tables: Final = {
            each.address: each for each in catalog.of(Table) if each.partition_of is None
        }
        self.columns: Final[dict[Address, dict[str, Column]]] = {each: {} for each in self.tables}
        self.keys: Final[dict[Address, list[Constraint]]] = {each: [] for each in self.tables}
        for column in sorted(catalog.every(Column), key=lambda each: each.position):
            if (owner := Address("table", column.schema, column.table)) in self.tables:
                self.columns[owner][column.name] = column
        for key in catalog.of(Constraint):
            if (owner := Address("table", key.schema, key.table)) in self.tables:
                self.keys[owner].append(key)

    def of_type(self, address: Address, type_: str) -> Iterator[Constraint]:
        """Yield the constraints of a table of one type: p, u, f."""
        yield from (key for key in self.keys.get(address, ()) if key.type == type_)

    def links(self) -> Iterator[Link]:
        """Yield the foreign keys between the tables."""
        for address in self.tables:
            for key in self.of_type(address, "f"):
                if key.reference is not None and key.reference.table in self.tables:
                    yield self._link(address, key, key.reference)

    def _link(self, address: Address, key: Constraint, reference: Reference) -> Link:
        unique = (*self.of_type(address, "p"), *self.of_type(address, "u"))
        columns = self.columns[address]
        return Link(
            key.name,
            address,
            key.columns,
            reference.table,
            many=not any(set(each.columns) <= set(key.columns) for each in unique),
            optional=any(columns[name].not_null is None for name in key.columns if name in columns),
        )


def _box(address: Address, now: _Side, old: _Side | None) -> Box:
    side = now if address in now.tables or old is None else old
    lines = tuple(_lines(address, now, old))
    return Box(address, lines, _state(address, lines, now, old), side.tables[address].comment)


def _state(address: Address, lines: Iterable[Line], now: _Side, old: _Side | None) -> State:
    if old is None:
        return "same"
    state = _presence(address, now.tables, old.tables)
    changed = state == "same" and any(line.state != "same" for line in lines)
    return "changed" if changed else state


def _presence(key: object, now: Mapping, old: Mapping) -> State:  # type: ignore[type-arg]
    if key not in old:
        return "new"
    return "same" if key in now else "gone"


def _lines(address: Address, now: _Side, old: _Side | None) -> Iterator[Line]:
    columns = now.columns.get(address, {})
    before = old.columns.get(address, {}) if old else columns
    for name in dict.fromkeys((*columns, *before)):
        side = now if name in columns or old is None else old
        column = side.columns[address][name]
        state = _presence(name, columns, before)
        was = before[name] if state == "same" else column
        yield Line(
            name,
            column.type,
            primary=any(name in key.columns for key in side.of_type(address, "p")),
            foreign=any(name in key.columns for key in side.of_type(address, "f")),
            nullable=column.not_null is None,
            state="changed" if _looks(was) != _looks(column) else state,
            was=was.type if was.type != column.type else None,
        )


def _looks(column: Column) -> tuple[str, bool, str | None]:
    return column.type, column.not_null is None, column.default


def _links(now: _Side, old: _Side | None) -> Iterator[Link]:
    from dataclasses import replace  # noqa: PLC0415 - copies a few values

    links = {(link.source, link.name): link for link in now.links()}
    before = {(link.source, link.name): link for link in old.links()} if old else links
    for key in sorted({**before, **links}):
        yield replace(links.get(key) or before[key], state=_presence(key, links, before))
