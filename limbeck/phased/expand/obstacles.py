"""Why the type of a column cannot be changed beside its rows."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.phased.expand.families import family, is_key_of_partitions, unseen
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.tables import Table

LOCAL_NOT_NULLS = 18  # the first major in which a NOT NULL is inherited, or a table's own


def obstacles(before: Catalog, column: Column, table: Table) -> Iterator[str]:
    """Yield in words what is in the way of another type; nothing where a hidden column can be."""
    if table.kind == "f" or table.inherits or table.partition_of or table.of_type:
        yield f"{column.address} is of a foreign, an inheriting or a typed table"
    yield from unseen(before, table.address)
    yield from _computed(before, column)
    yield from _named(before, column)
    if table.kind == "p":
        yield from _partitioned(before, column, table)


def _computed(before: Catalog, column: Column) -> Iterator[str]:
    """Say which columns would be computed anew for each row, and the table be rewritten."""
    if column.generated:
        yield f"{column.address} is computed"
    for user, used in before.depends.items():
        found = before.objects.get(user._replace(kind="column"))
        if user.kind != "default" or column.address not in used or found == column:
            continue
        if isinstance(found, Column) and found.generated:
            yield f"{found.address} is computed from {column.address}"


def _named(before: Catalog, column: Column) -> Iterator[str]:
    """Say what names the column and cannot take the hidden one for it at the end.

    Statistics would have their columns in another order, in that of the table; a publication
    would send both while they change places.
    """
    for user, used in before.depends.items():
        columns = [one for one in used if one.kind == "column"]
        if user.kind == "statistics" and column.address in columns and len(columns) > 1:
            yield f"{user} names {column.address} beside other columns"
        elif user.kind == "publication" and column.address in columns:
            yield f"{user} names {column.address}"


def _partitioned(before: Catalog, column: Column, table: Table) -> Iterator[str]:
    """Say what an index that is built partition by partition cannot do.

    A key of the whole cannot stand beside another one. And one made of an index lets a partition
    have NOT NULLs by its own word, which it loses again by being detached and attached only.
    """
    members = family(before, table.address)
    if any(is_key_of_partitions(one, column.name) for one in members):
        yield f"{column.address} decides on the partition of a row"
    for found in before.of(Constraint):
        reference = found.reference
        if reference and reference.table == table.address and column.name in reference.columns:
            yield f"{found.address} refers to a key of a partitioned table with {column.address}"
    places = {(one.schema, one.name) for one in members}
    keys = [one for one in before.of(Constraint) if one.type == "p"]
    named = [one for one in keys if (one.schema, one.table) in places]
    if before.major >= LOCAL_NOT_NULLS and any(column.name in one.columns for one in named):
        yield f"{column.address} is in the primary key of a partitioned table"
