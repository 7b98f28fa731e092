"""Names of temporary objects: copies, hidden columns, twin indexes, triggers."""

from __future__ import annotations

import hashlib

from limbeck.schema.catalog.names import NAME_BYTES

# Postgres truncates names silently after 63 bytes. The hash keeps two long names that share a
# prefix apart.
DIGITS = 6


def beside(name: str, suffix: str = "_new") -> str:
    """Return the name of the temporary counterpart of an object, within Postgres' 63 bytes.

    >>> beside("books_title_idx")
    'books_title_idx_new'
    """
    if len(f"{name}{suffix}".encode()) <= NAME_BYTES:
        return f"{name}{suffix}"
    tail = f"_{hashlib.sha256(name.encode()).hexdigest()[:DIGITS]}{suffix}"
    return f"{name.encode()[: NAME_BYTES - len(tail)].decode(errors='ignore')}{tail}"


def trigger(prefix: str, table: str, column: str) -> str:
    """Return the name shared by a trigger that fills a column and its function.

    >>> trigger("zz_sync", "books", "title")
    'zz_sync_books_title'
    """
    return beside(f"{prefix}_{table}_{column}", "")
