"""Names of catalog objects: the qualified name, and the one that Postgres gives by default."""

from __future__ import annotations

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.sql.quoting import qualified

NAME_BYTES = 63  # NAMEDATALEN - 1


def of(address: Address) -> str:
    """Return the qualified name of an object, as SQL."""
    return qualified(address.schema, address.name)


def chosen_name(table: str, column: str, label: str) -> str:
    """Return the default name of a constraint, an index or a sequence, as makeObjectName() does.

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
