"""Tables that have the columns of another one: partitions, and those that inherit."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.sql.lexer import identifiers


def family(catalog: Catalog, address: Address) -> tuple[Table, ...]:
    """Return a table after all its partitions, each after its own ones."""
    table = catalog.objects.get(address)
    return (*_partitions(catalog, address), *([table] if isinstance(table, Table) else []))


def _partitions(catalog: Catalog, address: Address) -> Iterator[Table]:
    for one in catalog.of(Table):
        if one.partition_of == address:
            yield from _partitions(catalog, one.address)
            yield one


def is_key_of_partitions(table: Table, column: str) -> bool:
    """Tell whether a column decides on the partition of a row, which no trigger may change."""
    return column in identifiers(table.partition_key or "")


def unseen(catalog: Catalog, address: Address) -> Iterator[str]:
    """Say in words which rows no trigger of a table sees: triggers are not inherited."""
    heirs = sorted(one.name for one in catalog.of(Table) if address in one.inherits)
    if heirs:
        yield f"{', '.join(heirs)} inherits from {address}, whose triggers do not see its rows"
