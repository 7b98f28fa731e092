"""Reasons why the type of a column cannot be changed through a hidden column."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.phased.expand.families import family, is_key_of_partitions, unseen
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.sql import forms


def obstacles(before: Catalog, column: Column, table: Table) -> Iterator[str]:
    """Yield a sentence for each obstacle to another type; none if a hidden column can follow."""
    if table.kind == "f" or table.inherits or table.partition_of or table.of_type:
        yield f"{column.address} belongs to a foreign, an inheriting or a typed table"
    yield from unseen(before, table.address)
    yield from _computed(before, column)
    yield from _named(before, column)
    if table.kind == "p":
        yield from _partitioned(before, column, table)


def _computed(before: Catalog, column: Column) -> Iterator[str]:
    """Yield the generated columns that Postgres would recompute by rewriting the table."""
    if column.generated:
        yield f"{column.address} is generated"
    for user, used in before.depends.items():
        dependent = before.objects.get(user._replace(kind="column"))
        if user.kind != "default" or column.address not in used or dependent == column:
            continue
        if isinstance(dependent, Column) and dependent.generated:
            yield f"{dependent.address} is generated from {column.address}"


def _named(before: Catalog, column: Column) -> Iterator[str]:
    """Yield the objects that name the column and cannot be pointed at the hidden one.

    Extended statistics keep their columns in table order, which differs for a new column. A
    publication would send both columns during the swap.
    """
    for user, used in before.depends.items():
        columns = [address for address in used if address.kind == "column"]
        if user.kind == "statistics" and column.address in columns and len(columns) > 1:
            yield f"{user} names {column.address} beside other columns"
        elif user.kind == "publication" and column.address in columns:
            yield f"{user} names {column.address}"


def _partitioned(before: Catalog, column: Column, table: Table) -> Iterator[str]:
    """Yield the limits of indexes that are built partition by partition.

    A key of a partitioned table cannot be made from an index (Postgres manual, ALTER TABLE, ADD
    table_constraint_using_index), so it exists only after the swap and no foreign key can refer
    to it before. From Postgres 18 on, a primary key assembled from partition indexes leaves each
    partition with a NOT NULL of its own, which only DETACH and ATTACH turn into an inherited one.
    """
    members = family(before, table.address)
    if any(is_key_of_partitions(member, column.name) for member in members):
        yield f"{column.address} is in the partition key"
    for constraint in before.of(Constraint):
        reference = constraint.reference
        if reference and reference.table == table.address and column.name in reference.columns:
            yield (
                f"{constraint.address} refers to a key of a partitioned table with {column.address}"
            )
    places = {(member.schema, member.name) for member in members}
    keys = [constraint for constraint in before.of(Constraint) if constraint.type == "p"]
    named = [key for key in keys if (key.schema, key.table) in places]
    constraints = forms.NAMED_NOT_NULLS.exists(before.lowest_major)
    if constraints and any(column.name in key.columns for key in named):
        yield f"{column.address} is in the primary key of a partitioned table"
