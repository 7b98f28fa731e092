"""Tables that share the columns of another one: partitions, and tables that inherit."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.sql.lexer import identifiers


def family(catalog: Catalog, address: Address) -> tuple[Table, ...]:
    """Return the partitions of a table, leaves first, and then the table itself."""
    table = catalog.objects.get(address)
    return (*_partitions(catalog, address), *([table] if isinstance(table, Table) else []))


def _partitions(catalog: Catalog, address: Address) -> Iterator[Table]:
    for table in catalog.of(Table):
        if table.partition_of == address:
            yield from _partitions(catalog, table.address)
            yield table


def is_key_of_partitions(table: Table, column: str) -> bool:
    """Return whether a column is in the partition key.

    Postgres routes a row to its partition before any row trigger runs, so a trigger must not
    change such a column.
    """
    return column in identifiers(table.partition_key or "")


def unseen(catalog: Catalog, address: Address) -> Iterator[str]:
    """Yield a sentence if tables inherit from this one: triggers are not inherited."""
    heirs = sorted(table.name for table in catalog.of(Table) if address in table.inherits)
    if heirs:
        yield f"{', '.join(heirs)} inherits from {address}, whose triggers do not see its rows"
