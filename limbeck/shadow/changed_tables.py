"""Create only the tables of the models whose statements have changed, and read the whole schema.

The recorded history is on the shadow as a database. Where its schema is the one that the models
had, a copy becomes the schema that they have now: in a transaction, the tables whose statements
differ are dropped and created again. Postgres itself decides everything that follows from that.
Whatever is not a matter of single tables is left to a creation of all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine import privileged
from limbeck.schema.catalog import difference
from limbeck.schema.sql.quoting import literal, qualified, schema_and_name

if TYPE_CHECKING:
    from limbeck.postgres.connect import Connection
    from limbeck.schema.catalog.catalog import Catalog
    from limbeck.schema.catalog.difference import Mark
    from limbeck.schema.catalog.filters import Filters

Name = tuple[str, str]
"""A table's schema, "" where the statement has none, and its name."""
_PART: Final = r'(?:"(?:[^"]|"")+"|\w+)'
_NAME: Final = rf"({_PART}(?:\.{_PART})?)"
_OF_TABLE: Final = re.compile(
    rf"\s*(?:CREATE TABLE {_NAME} ?\(|CREATE (?:UNIQUE )?INDEX (?:{_PART} )?ON {_NAME} |"
    rf"ALTER TABLE {_NAME} ADD |COMMENT ON TABLE {_NAME} IS |"
    rf"COMMENT ON COLUMN ({_PART}(?:\.{_PART})?)\.{_PART} IS )"
)
# What a table inherits depends on which statements of its parent come before it.
_INHERITS: Final = re.compile(r"(?i)\b(?:INHERITS|PARTITION OF)\b")
_INDEX: Final = re.compile(r"\s*CREATE (?:UNIQUE )?INDEX ")
MOST: Final = 0.5  # of the tables; creating more than that anew is no faster than creating all


@dataclass(frozen=True, slots=True)
class Change:
    """The tables to drop, and the statements to run then; nothing of either: the same schema."""

    tables: tuple[Name, ...]
    statements: tuple[str, ...]


def between(former: Sequence[str], statements: Sequence[str]) -> Change | None:
    """Return what leads from one list of statements to another; None if more than tables differ.

    Args:
        former: the statements that have made the schema which is there.
        statements: those that make the schema which is wanted.

    """
    tables = {_table(statement) for statement in {*former} ^ {*statements}}
    old, new = ([(_table(each), each) for each in several] for several in (former, statements))
    # What depends on the order, as a check of a parent beside a child that is new, is no matter of
    # single tables, either.
    if _ordered(old, tables) != _ordered(new, tables):
        return None
    if not tables:
        return Change((), ())
    count = sum("CREATE TABLE" in statement for statement in statements)
    if len(tables) > max(count * MOST, 1) or not all(map(_is_simple, tables)):
        return None
    names = "|".join(re.escape(table[1]) for table in tables if table)
    mentioned = re.compile(rf"(?i)(?<!\w)(?:{names})(?!\w)")
    if any(owner is None and mentioned.search(statement) for owner, statement in new):
        return None
    again = [statement for owner, statement in new if owner in tables]
    if any(map(_INHERITS.search, again)):
        return None
    dropped = {owner for owner, text in old if text.lstrip().startswith("CREATE TABLE")} & tables
    return Change(tuple(sorted(table for table in dropped if table)), tuple(again))


def created(
    connection: Connection,
    change: Change,
    former: Catalog,
    filters: Filters,
    since: Mark | None = None,
) -> Catalog | None:
    """Return the schema after a change, which is rolled back; None where it takes more than that.

    Args:
        connection: a session on a database with the former schema, in no transaction.
        change: what to drop and to create.
        former: the former schema.
        filters: what belongs to the schema.
        since: the state of the database, if the caller has it.

    """
    since = since or difference.mark(connection)
    try:
        with (
            connection.transaction(force_rollback=True),
            privileged.rewriting(connection) as rewritten,
        ):
            keys = [*_freed(connection, change.tables)]
            for statement in (*change.statements, *keys):
                connection.execute(rewritten(statement).encode())
            return difference.read_changed(connection, former, since, filters=filters)
    except psycopg.Error:  # a creation of all either works or says what is wrong
        return None


def _freed(connection: Connection, tables: Iterable[Name]) -> Iterator[str]:
    """Drop tables, and yield the statements for the foreign keys of others that led to them."""
    names = [qualified(*table) for table in tables]
    if not names:
        return
    oids = f"ARRAY[{', '.join(map(literal, names))}]::regclass[]"
    rows = connection.execute(_REFERRING.format(oids=oids).encode()).fetchall()
    for table, key, definition in rows:
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {key}".encode())
        # Rows that revisions have inserted refer to some of the table that is created empty.
        connection.execute(f"DELETE FROM {table}".encode())
        yield f"ALTER TABLE {table} ADD CONSTRAINT {key} {definition}"
    connection.execute(f"DROP TABLE {', '.join(names)}".encode())


# One with a comment is left to DROP TABLE, which refuses then.
_REFERRING: Final = """
SELECT format('%I.%I', n.nspname, r.relname), quote_ident(c.conname), pg_get_constraintdef(c.oid)
FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n
  ON n.oid = r.relnamespace
WHERE c.contype = 'f' AND c.confrelid = ANY ({oids}) AND c.conrelid <> ALL ({oids})
  AND c.conparentid = 0 AND r.relkind = 'r' AND NOT r.relispartition
  AND obj_description(c.oid, 'pg_constraint') IS NULL"""


def _table(statement: str) -> Name | None:
    """Return the table that a statement creates, or completes; None for other statements."""
    match = _OF_TABLE.match(statement)
    return schema_and_name(next(filter(None, match.groups()))) if match else None


def _ordered(
    statements: Iterable[tuple[Name | None, str]], tables: Collection[Name | None]
) -> list[str]:
    """Return the statements of other tables, in their order, without those that create indexes.

    SQLAlchemy keeps the indexes of a table as a set, whose order each process chooses.
    """
    return [text for owner, text in statements if owner not in tables and not _INDEX.match(text)]


def _is_simple(table: Name | None) -> bool:
    """Return whether a name is written in all statements as it is."""
    return table is not None and '"' not in table[1]
