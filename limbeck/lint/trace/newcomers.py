"""Statements about nothing but what the traced revisions have made themselves.

No rule speaks of those, so the catalog need not be read after each of a thousand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from limbeck.lint.trace.facts import Facts
from limbeck.lint.trace.statement import strength
from limbeck.schema.sql.lexer import identifiers

# What such a statement makes or changes hangs on a relation that it locks.
_KINDS = ("TABLE", "INDEX", "SEQUENCE", "VIEW", "TRIGGER")
_BEGINNING = re.compile(
    rf"\s*(CREATE( OR REPLACE| UNIQUE| UNLOGGED)* ({'|'.join(_KINDS)})|ALTER (TABLE|SEQUENCE)"
    r"|COMMENT|GRANT|REVOKE)\b"
)
_TAGS = frozenset({*(f"CREATE {kind}" for kind in _KINDS), "ALTER TABLE", "ALTER SEQUENCE"})
_HARMLESS = strength("RowExclusiveLock")


def names_only_newcomers(text: str, existing: frozenset[int], facts: Facts) -> bool:
    """Say whether a statement may be one, before it runs: it names no relation that was there.

    Args:
        text: the statement; its words only decide when to look, not what is seen.
        existing: the relations that were there before the traced revisions.
        facts: of now, or of a while ago.

    """
    if not _BEGINNING.match(text):
        return False
    relations = (facts.relations.get(oid) for oid in existing)
    known = {relation.name for relation in relations if relation is not None}
    return known.isdisjoint(name for word in identifiers(text) for name in (word, word.lower()))


def untouched(tag: str, held: Mapping[int, str], existing: frozenset[int]) -> bool:
    """Say whether it was one: its transaction holds no strong lock on what was there."""
    strong = (oid for oid, mode in held.items() if strength(mode) > _HARMLESS)
    return tag in _TAGS and existing.isdisjoint(strong)
