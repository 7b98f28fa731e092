"""The objects that are created before the tables, and the parts that follow them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace

from limbeck.models.pull.render import serials
from limbeck.models.pull.render.contents import Contents
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.schemas import Schema
from limbeck.schema.catalog.objects.sequences import Sequence

# Kinds of objects that are created before the tables, unless they depend on one.
_EARLY = frozenset(
    {
        *("schema", "extension", "collation", "enum", "domain", "composite", "range"),
        *("sequence", "function", "operator", "operator_family", "operator_class", "cast"),
        *("text_search_parser", "text_search_template", "text_search_dictionary"),
        *("text_search_configuration", "foreign_data_wrapper", "server", "conversion"),
    }
)
_TABLES = frozenset({"table", "column", "view", "constraint", "index", "default"})
_PARTS = frozenset({"default", "constraint", "index", "column"})
# A sequence needs only the column that owns it, and OWNED BY is set afterwards.
_NEEDLESS = frozenset({"schema", "extension", "collation", "enum", "sequence"})


def early(catalog: Catalog) -> frozenset[Address]:
    """Return the objects to create before the tables: they need no table, but tables need them."""
    # A serial creates its sequence with its table; any other object that needs it comes later.
    needs_tables: dict[Address, bool] = {}
    owned = {sequence.address for sequence in serials.serials(catalog).values()}
    possible = [address for address in catalog.objects if address.kind in _EARLY]
    return frozenset(
        address for address in possible if not _needs_tables(address, catalog, needs_tables, owned)
    )


def _needs_tables(
    address: Address, catalog: Catalog, known: dict[Address, bool], owned: Container[Address]
) -> bool:
    if address in known:
        return known[address]
    known[address] = False  # in a circle, the other members decide
    if address.kind in _NEEDLESS:
        return False
    known[address] = any(
        needed.kind in _TABLES or needed in owned or _needs_tables(needed, catalog, known, owned)
        for needed in catalog.depends.get(address, ())
    )
    return known[address]


def late_parts(catalog: Catalog, made_early: frozenset[Address]) -> frozenset[Address]:
    """Return the defaults, constraints, indexes and columns that need an object after the tables.

    So does a column whose type is the row type of another table, and a default or a check that
    needs another table, or the sequence that it creates.
    """
    late = frozenset(address for address in catalog.objects if _is_late(address, made_early))
    owners = {sequence.address: at for at, sequence in serials.serials(catalog).items()}
    return frozenset(
        address
        for address, needed in catalog.depends.items()
        if address.kind in _PARTS
        and (not late.isdisjoint(needed) or _is_of_other(address, needed, catalog, owners))
    )


def _is_late(needed: Address, made_early: frozenset[Address]) -> bool:
    return needed.kind == "view" or (needed.kind in _EARLY and needed not in made_early)


def _is_of_other(
    part: Address,
    needed: Iterable[Address],
    catalog: Catalog,
    owners: Mapping[Address, Address],
) -> bool:
    """Return whether a part needs another table than its own, not counting foreign keys."""
    own = (part.schema, part.name)
    others = (
        at
        for at in (owners.get(other, other) for other in needed)
        if at.kind in {"table", "column"} and (at.schema, at.name) != own
    )
    if part.kind == "column":
        return any(at.kind == "table" for at in others)
    constraint = catalog.objects.get(part)
    refers = isinstance(constraint, Constraint) and constraint.type == "f"
    return not refers and part.kind != "index" and any(others)


def before_tables(
    catalog: Catalog, made_early: frozenset[Address], tables: Mapping[Address, Contents]
) -> tuple[Catalog, Catalog]:
    """Return an empty catalog, and one of all objects that precede the tables."""
    empty = dict(_given(catalog))
    own = {sequence.address for sequence in _serials(catalog, tables)}
    objects: dict[Address, Object] = dict(empty)
    for address in made_early - own:
        item = catalog.objects[address]
        objects[address] = replace(item, owned_by=None) if isinstance(item, Sequence) else item
    return _like(catalog, empty), _like(catalog, objects)


def with_tables(
    catalog: Catalog, made_early: frozenset[Address], tables: Mapping[Address, Contents]
) -> Catalog:
    """Return the catalog after SQLAlchemy has created the tables."""
    objects: dict[Address, Object] = {address: catalog.objects[address] for address in made_early}
    objects |= {
        sequence.address: serials.as_created(sequence, _type(sequence, catalog))
        for sequence in _serials(catalog, tables)
    }
    for contents in tables.values():
        objects[contents.table.address] = contents.table
        objects |= {part.address: part for part in contents.columns}
        objects |= {part.address: part for part in (*contents.constraints, *contents.inherited)}
        objects |= {part.address: part for part in contents.indexes}
    return _like(catalog, objects)


def _given(catalog: Catalog) -> Iterator[tuple[Address, Object]]:
    for schema in catalog.of(Schema):
        if schema.name == "public":
            yield schema.address, replace(schema, comment=None)


def _serials(catalog: Catalog, tables: Mapping[Address, Contents]) -> Iterator[Sequence]:
    columns = {
        Address("column", contents.table.schema, contents.table.name, column)
        for contents in tables.values()
        for column in (contents.serial, *contents.serials)
        if column
    }
    return (sequence for sequence in catalog.of(Sequence) if sequence.owned_by in columns)


def _type(sequence: Sequence, catalog: Catalog) -> str:
    column = catalog.objects.get(sequence.owned_by) if sequence.owned_by else None
    return column.type if isinstance(column, Column) else "bigint"


def _like(catalog: Catalog, objects: dict[Address, Object]) -> Catalog:
    return Catalog(catalog.server, objects, catalog.depends, target=catalog.target)
