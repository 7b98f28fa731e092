"""Statements that only touch objects created by the traced revisions.

No rule applies to them, so the observer does not read the catalog after each of a thousand.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from limbeck.schema.sql.lexer import identifiers, statements

# Each of these statements locks the relation that it creates or changes.
_KINDS = ("TABLE", "INDEX", "SEQUENCE", "VIEW", "TRIGGER")
_BEGINNING = re.compile(
    rf"\s*(CREATE( OR REPLACE| UNIQUE| UNLOGGED)* ({'|'.join(_KINDS)})|ALTER (TABLE|SEQUENCE)"
    r"|COMMENT|GRANT|REVOKE)\b"
)
# On an empty database, whatever begins so concerns what the revisions create.
_CREATING = re.compile(
    r"(?i)(CREATE (?!DATABASE|TABLESPACE|ROLE|USER|GROUP)|ALTER (TABLE|SEQUENCE|INDEX|VIEW)"
    r"|INSERT INTO|COMMENT|GRANT|REVOKE)\b"
)
_TAGS = frozenset({*(f"CREATE {kind}" for kind in _KINDS), "ALTER TABLE", "ALTER SEQUENCE"})


def names_only_newcomers(text: str, names: Collection[str]) -> bool:
    """Return whether a statement names no existing relation, before it runs.

    Args:
        text: The statement; its words only decide when the catalog is read.
        names: The names of the relations that existed before the traced revisions.

    """
    if not _BEGINNING.match(text):
        return False
    return not names or not any(
        word in names or word.lower() in names for word in identifiers(text)
    )


def only_creates(text: str) -> bool:
    """Return whether SQL for an empty database does nothing but create."""
    return all(
        _CREATING.match(statement) and not re.search(r"(?i)\bCONCURRENTLY\b", statement)
        for statement in statements(text)
    )


def is_of_newcomers(tag: str) -> bool:
    """Return whether a command tag is that of a statement which `names_only_newcomers` knows."""
    return tag in _TAGS | {"COMMENT", "GRANT", "REVOKE"}


def untouched(tag: str, strong: Iterable[int], existing: frozenset[int]) -> bool:
    """Return whether a statement has left existing relations alone, after it ran.

    Args:
        tag: Its command tag.
        strong: The relations with a stronger lock than a writer's.
        existing: The relations that existed before.

    """
    return tag in _TAGS and not any(oid in existing for oid in strong)
