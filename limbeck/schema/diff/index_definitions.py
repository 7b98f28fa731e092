"""CREATE INDEX statements as pg_get_indexdef() spells them, with another name or CONCURRENTLY."""

from __future__ import annotations

import re

from limbeck.schema.sql.quoting import quote

# ONLY is left out: Postgres spells it for every partitioned index, and with it the statement
# would build an index that reaches no partition.
_HEAD = re.compile(r'^(CREATE (?:UNIQUE )?INDEX )((?:"(?:[^"]|"")*")|\S+)( ON )(?:ONLY )?')


def plain(definition: str) -> str:
    """Return the statement that builds the index on the table and all its partitions."""
    return _HEAD.sub(r"\1\2\3", definition)


def only(definition: str) -> str:
    """Return the statement that creates the index of a partitioned table alone."""
    return _HEAD.sub(r"\1\2\3ONLY ", definition)


def concurrent(definition: str) -> str:
    """Return the statement as CREATE INDEX CONCURRENTLY."""
    return _HEAD.sub(r"\1CONCURRENTLY \2\3", definition)


def named(definition: str, name: str) -> str:
    """Return the statement for an index of another name."""
    return _HEAD.sub(lambda match: f"{match[1]}{quote(name)}{match[3]}", definition)


def nameless(definition: str | None) -> str | None:
    """Return the statement without the name, so that two indexes can be compared."""
    return None if definition is None else _HEAD.sub(r"\1\3", definition)
