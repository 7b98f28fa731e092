"""Names of what stands beside something for a while."""

from __future__ import annotations

import hashlib

from limbeck.schema.catalog.names import NAME_BYTES

DIGITS = 6  # of a hash, so that two long names stay two


def beside(name: str, suffix: str = "_new") -> str:
    """Return the name of what stands beside something, within what Postgres keeps of a name.

    >>> beside("books_title_idx")
    'books_title_idx_new'
    """
    if len(f"{name}{suffix}".encode()) <= NAME_BYTES:
        return f"{name}{suffix}"
    tail = f"_{hashlib.sha256(name.encode()).hexdigest()[:DIGITS]}{suffix}"
    return f"{name.encode()[: NAME_BYTES - len(tail)].decode(errors='ignore')}{tail}"


def trigger(prefix: str, table: str, column: str) -> str:
    """Return the name of a trigger, and of its function, that fills a column.

    >>> trigger("zz_sync", "books", "title")
    'zz_sync_books_title'
    """
    return beside(f"{prefix}_{table}_{column}", "")
