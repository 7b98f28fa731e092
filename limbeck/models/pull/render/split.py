"""What a database has to hold before its tables are made, and what comes after them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from limbeck.models.pull.render import serials
from limbeck.models.pull.render.contents import Contents
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import qualified
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.schemas import Schema
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.catalog.objects.tables import Table

# What can stand before the tables, where it does not itself depend on one.
_EARLY = frozenset(
    {
        *("schema", "extension", "collation", "enum", "domain", "composite", "range"),
        *("sequence", "function", "operator", "operator_family", "operator_class", "cast"),
        *("text_search_parser", "text_search_template", "text_search_dictionary"),
        *("text_search_configuration", "foreign_data_wrapper", "server", "conversion"),
    }
)
_TABLES = frozenset({"table", "column", "view", "constraint", "index", "default"})
# A sequence only ever needs the column that owns it, which is said afterwards.
_NEEDLESS = frozenset({"schema", "extension", "collation", "enum", "sequence"})


def early(catalog: Catalog) -> frozenset[Address]:
    """Return what is created before the tables: it needs none of them, and they may need it."""
    needs_tables: dict[Address, bool] = {}
    possible = [address for address in catalog.objects if address.kind in _EARLY]
    return frozenset(
        address for address in possible if not _needs_tables(address, catalog, needs_tables)
    )


def _needs_tables(address: Address, catalog: Catalog, known: dict[Address, bool]) -> bool:
    if address in known:
        return known[address]
    known[address] = False  # a circle needs what its other members need
    if address.kind in _NEEDLESS:
        return False
    known[address] = any(
        needed.kind in _TABLES or _needs_tables(needed, catalog, known)
        for needed in catalog.depends.get(address, ())
    )
    return known[address]


def late_parts(catalog: Catalog, made_early: frozenset[Address]) -> frozenset[Address]:
    """Return the defaults, constraints, indexes and columns that need what comes after tables.

    A column does, too, where its type is the row type of a table.
    """
    late = frozenset(one for one in catalog.objects if _is_late(one, made_early))
    if not late and not _has_rows(catalog):
        return late
    return frozenset(
        address
        for address, needed in catalog.depends.items()
        if address.kind in {"default", "constraint", "index", "column"}
        and (not late.isdisjoint(needed) or _is_of_row(address, needed))
    )


def _is_late(needed: Address, made_early: frozenset[Address]) -> bool:
    return needed.kind == "view" or (needed.kind in _EARLY and needed not in made_early)


def _has_rows(catalog: Catalog) -> bool:
    """Say whether a column has the row type of a table, or an array of it."""
    types = {qualified(table.schema, table.name) for table in catalog.every(Table)}
    return any(column.type.removesuffix("[]") in types for column in catalog.every(Column))


def _is_of_row(part: Address, needed: Iterable[Address]) -> bool:
    """Say whether it is a column whose type is the row type of another table."""
    return part.kind == "column" and any(
        one.kind == "table" and (one.schema, one.name) != (part.schema, part.name) for one in needed
    )


def before_tables(
    catalog: Catalog, made_early: frozenset[Address], tables: Mapping[Address, Contents]
) -> tuple[Catalog, Catalog]:
    """Return an empty database, and one that holds all that comes before the tables."""
    empty = dict(_given(catalog))
    own = {sequence.address for sequence in _serials(catalog, tables)}
    found: dict[Address, Object] = dict(empty)
    for address in made_early - own:
        one = catalog.objects[address]
        found[address] = replace(one, owned_by=None) if isinstance(one, Sequence) else one
    return _like(catalog, empty), _like(catalog, found)


def with_tables(
    catalog: Catalog, made_early: frozenset[Address], tables: Mapping[Address, Contents]
) -> Catalog:
    """Return what there is when the tables have been made as SQLAlchemy says them."""
    found: dict[Address, Object] = {address: catalog.objects[address] for address in made_early}
    found |= {
        one.address: serials.made(one, _type(one, catalog)) for one in _serials(catalog, tables)
    }
    for contents in tables.values():
        found[contents.table.address] = contents.table
        found |= {one.address: one for one in contents.columns}
        found |= {one.address: one for one in contents.constraints}
        found |= {one.address: one for one in contents.indexes}
    return _like(catalog, found)


def _given(catalog: Catalog) -> Iterator[tuple[Address, Object]]:
    for schema in catalog.of(Schema):
        if schema.name == "public":
            yield schema.address, replace(schema, comment=None)


def _serials(catalog: Catalog, tables: Mapping[Address, Contents]) -> Iterator[Sequence]:
    columns = {
        Address("column", found.table.schema, found.table.name, found.serial)
        for found in tables.values()
        if found.serial
    }
    return (found for found in catalog.of(Sequence) if found.owned_by in columns)


def _type(sequence: Sequence, catalog: Catalog) -> str:
    column = catalog.objects.get(sequence.owned_by) if sequence.owned_by else None
    return column.type if isinstance(column, Column) else "bigint"


def _like(catalog: Catalog, objects: dict[Address, Object]) -> Catalog:
    return Catalog(catalog.server, objects, catalog.depends)
