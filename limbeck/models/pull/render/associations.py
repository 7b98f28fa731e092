"""Association tables: those that only relate the rows of other tables."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator, Mapping, Sequence

from limbeck.models.pull.render.contents import Contents
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint


def is_association(contents: Contents, tables: Mapping[Address, Contents]) -> bool:
    """Return whether a table only relates the rows of two others, or those of one."""
    keys = contents.foreign_keys
    expected = 2
    if len(keys) != expected or any(key.reference is None for key in keys):
        return False
    columns = [column for key in keys for column in key.columns]
    targets = {key.reference.table for key in keys if key.reference}
    everything = sorted(columns) == sorted(column.name for column in contents.columns)
    plain = not (contents.filled or any(column.default for column in contents.columns))
    return (
        everything
        and plain
        and (len(targets) == expected or _is_join_of_one(contents, columns))
        and contents.table.address not in targets
        and all(target in tables and tables[target].primary_key for target in targets)
        and not _is_referred_to(contents.table.address, tables.values())
        and (
            contents.primary_key is None or sorted(contents.primary_key.columns) == sorted(columns)
        )
    )


def _is_join_of_one(contents: Contents, columns: Sequence[str]) -> bool:
    """Return whether conditions in a string can join a table to the one that it relates."""
    address = contents.table.address
    words = (address.schema, address.name, *columns)
    return len(set(columns)) == len(columns) and all(
        word.isidentifier() and not keyword.iskeyword(word) for word in words
    )


def _is_referred_to(address: Address, tables: Iterable[Contents]) -> bool:
    keys: Iterator[Constraint] = (key for table in tables for key in table.foreign_keys)
    return any(key.reference is not None and key.reference.table == address for key in keys)
