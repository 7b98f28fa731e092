"""Names of catalog objects: qualified, and chosen as Postgres chooses them."""

from __future__ import annotations

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.sql.quoting import qualified, quote, quoted
from limbeck.schema.sql.quoting import schema_and_name as unquoted

__all__ = ["NAME_BYTES", "chosen_name", "of", "qualified", "quote", "quoted", "unquoted"]

NAME_BYTES = 63


def of(address: Address) -> str:
    """Spell the qualified name of what has a schema and a name."""
    return qualified(address.schema, address.name)


def chosen_name(table: str, column: str, label: str) -> str:
    """Return the name Postgres gives what nobody named, as makeObjectName() does.

    >>> chosen_name("users", "id", "seq")
    'users_id_seq'
    """
    whole = f"{table}_{column}_{label}"
    if column and label and whole.isascii() and len(whole) <= NAME_BYTES:
        return whole
    room = NAME_BYTES - len(label.encode()) - 1 - (1 if column else 0)
    first, second = table.encode(), column.encode()
    while len(first) + len(second) > room:
        if len(first) > len(second):
            first = first[:-1]
        else:
            second = second[:-1]
    parts = (first.decode(errors="ignore"), second.decode(errors="ignore"), label)
    return "_".join(part for part in parts if part)
