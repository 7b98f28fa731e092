"""Indexes of partitioned tables that their partitions get by being created."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table


def followed(catalog: Catalog) -> frozenset[Address]:
    """Return the indexes that CREATE TABLE ... PARTITION OF gives to partitions as they are.

    Each partition has such an index under the name that Postgres chooses (DefineIndex() in
    commands/indexcmds.c). So the index can be created with the partitioned table.
    """
    partitions: dict[Address, list[Table]] = defaultdict(list)
    for table in catalog.every(Table):
        if table.partition_of is not None:
            partitions[table.partition_of].append(table)
    attached: dict[Address, dict[Address, Index]] = defaultdict(dict)
    for index in catalog.every(Index):
        if index.parent is not None:
            attached[index.parent][index.table] = index
    partitioned = {table.address for table in catalog.every(Table) if table.partition_key}
    own = [
        index
        for index in catalog.every(Index)
        if index.parent is None and index.table in partitioned and index.valid
    ]
    # Two indexes on the same columns: which of them gets a number depends on their order.
    count = Counter((index.table, _words(index)) for index in own)
    return frozenset(
        index.address
        for index in own
        if count[index.table, _words(index)] == 1 and _is_followed(index, partitions, attached)
    )


def _words(index: Index) -> str | None:
    """Return the columns as in the name that Postgres chooses, None where there are expressions."""
    columns = [*(key.column for key in index.keys), *index.include]
    return None if None in columns else "_".join(filter(None, columns))


def _is_followed(
    index: Index,
    partitions: Mapping[Address, Sequence[Table]],
    attached: Mapping[Address, Mapping[Address, Index]],
) -> bool:
    words = _words(index)
    if words is None:
        return False
    for partition in partitions.get(index.table, ()):
        own = attached.get(index.address, {}).get(partition.address)
        if partition.server or own is None or not _is_followed(own, partitions, attached):
            return False
        plain = not (own.comment or own.statistics or own.clustered or own.replica_identity)
        name = chosen_name(partition.name, words, "idx")
        if not plain or (own.schema, own.name) != (partition.schema, name):
            return False
    return True
