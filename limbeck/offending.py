"""Which rows a revision broke on: how many, and their keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import psycopg
from psycopg import errors, sql

from limbeck.database import Connection

MOST = 5

Table: TypeAlias = tuple[str, str]
"""A schema and a name."""


@dataclass(frozen=True, slots=True)
class Offending:
    """The rows of a table that a statement cannot take as they are.

    `columns` are those of the primary key, or of the key that is there more than once; `keys` are
    the first few of them, as text.
    """

    table: str
    reason: str
    count: int
    columns: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]


def offending(connection: Connection, error: BaseException) -> Offending | None:
    """Look for the rows that an error is about; None where it is about something else.

    Known are rows with a NULL (23502), keys that are there more than once (23505) and rows whose
    parent is missing (23503). The columns of a key are those that Postgres' own detail names.
    """
    cause = _cause(error)
    if cause is None or not cause.diag.table_name:
        return None
    table = (cause.diag.schema_name or "public", cause.diag.table_name)
    try:
        match cause:
            case errors.NotNullViolation():
                return _nulls(connection, table, cause)
            case errors.UniqueViolation():
                return _duplicates(connection, table, cause)
            case errors.ForeignKeyViolation():
                return _orphans(connection, table, cause)
    except psycopg.Error:
        return None  # a rule of its own hides the rows: the error says what there is to say
    return None


def _cause(error: BaseException | None) -> psycopg.Error | None:
    while error is not None:
        original = getattr(error, "orig", None)
        for each in (error, original):
            if isinstance(each, psycopg.Error):
                return each
        error = error.__cause__ or error.__context__
    return None


def _nulls(connection: Connection, table: Table, error: psycopg.Error) -> Offending:
    column = error.diag.column_name or ""
    there = connection.execute(
        "SELECT FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s",
        (_quoted(table), column),
    ).fetchone()
    # A column that the revision adds is not there any more: it would be NULL in every row.
    condition = (
        sql.SQL("{} IS NULL").format(sql.Identifier(column))
        if there is not None
        else sql.SQL("true")
    )
    return _rows(connection, table, condition, f"{column} is NULL")


def _duplicates(connection: Connection, table: Table, error: psycopg.Error) -> Offending:
    key = sql.SQL(_key(error))  # Postgres' own spelling of an index key
    name = _key(error)
    counted = connection.execute(
        sql.SQL(
            "SELECT coalesce(sum(n), 0)::bigint FROM "
            "(SELECT count(*) AS n FROM {} WHERE ROW({}) IS NOT NULL GROUP BY {} "
            "HAVING count(*) > 1) AS found"
        ).format(sql.Identifier(*table), key, key)
    ).fetchone()
    shown = connection.execute(
        sql.SQL(
            "SELECT {} FROM {} WHERE ROW({}) IS NOT NULL GROUP BY {} HAVING count(*) > 1 "
            "ORDER BY count(*) DESC LIMIT {}"
        ).format(key, sql.Identifier(*table), key, key, sql.Literal(MOST))
    ).fetchall()
    columns = tuple(part.strip() for part in name.split(","))
    keys = tuple(tuple(str(value) for value in row) for row in shown)
    return Offending(
        ".".join(table), f"{name} is there more than once", _int(counted), columns, keys
    )


def _orphans(connection: Connection, table: Table, error: psycopg.Error) -> Offending:
    detail = error.diag.message_detail or ""
    parent = detail.rpartition('table "')[2].partition('"')[0]
    key = _key(error)
    condition = sql.SQL("ROW({}) IS NOT NULL AND NOT EXISTS (SELECT FROM {} p WHERE p.{} = {})")
    (own,) = _primary_key(connection, parent)
    qualified = sql.Identifier(*table, key)
    made = condition.format(
        sql.Identifier(key), sql.Identifier(parent), sql.Identifier(own), qualified
    )
    return _rows(connection, table, made, f"{key} is not in {parent}")


def _rows(
    connection: Connection, table: Table, condition: sql.Composable, reason: str
) -> Offending:
    query, source = sql.SQL("SELECT {} FROM {} WHERE {}"), sql.Identifier(*table)
    counted = connection.execute(query.format(sql.SQL("count(*)"), source, condition)).fetchone()
    columns = _primary_key(connection, _quoted(table))
    keys: list[tuple[object, ...]] = []
    if columns:
        named = sql.SQL(", ").join(map(sql.Identifier, columns))
        limited = sql.SQL(" ORDER BY {} LIMIT {}").format(named, sql.Literal(MOST))
        keys = connection.execute(query.format(named, source, condition) + limited).fetchall()
    texts = tuple(tuple(str(value) for value in row) for row in keys)
    return Offending(".".join(table), reason, _int(counted), columns, texts)


def _primary_key(connection: Connection, table: str) -> tuple[str, ...]:
    rows = connection.execute(
        """
        SELECT attname FROM pg_index, unnest(indkey) WITH ORDINALITY AS k(number, place)
        JOIN pg_attribute ON attnum = number
        WHERE indrelid = %s::regclass AND attrelid = indrelid AND indisprimary ORDER BY place
        """,
        (table,),
    )
    return tuple(str(name) for (name,) in rows)


def _key(error: psycopg.Error) -> str:
    """The columns in `Key (a, b)=(1, 2) is duplicated.`, whatever the language around them."""
    return (error.diag.message_detail or "").partition("(")[2].partition(")=(")[0]


def _quoted(table: Table) -> str:
    return sql.Identifier(*table).as_string()


def _int(row: tuple[object, ...] | None) -> int:
    return int(str(row[0])) if row else 0
