"""The rows that a failed revision could not accept: their number and their keys."""

from __future__ import annotations

from typing import Any, TypeAlias

import psycopg
from psycopg import errors, sql

from limbeck.dataclass import dataclass
from limbeck.postgres.connect import Connection

MOST = 5

Table: TypeAlias = tuple[str, str]
"""A schema and a name."""


@dataclass(frozen=True, slots=True)
class Offending:
    """The rows of a table that violate a constraint.

    `columns` are those of the primary key, or of the duplicate key; `keys` has the first few
    values, as text.
    """

    table: str
    reason: str
    count: int
    columns: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]


def offending(connection: Connection, error: BaseException) -> Offending | None:
    """Return the rows that caused an error; None for errors that no rows caused.

    These are NULLs (SQLSTATE 23502), duplicate keys (23505), rows without a parent (23503) and
    rows that violate a check (23514). The database is not changed: a constraint that was rolled
    back is added again in a transaction that is rolled back, too.
    """
    cause, statement = _cause(error)
    if cause is None or not cause.diag.table_name:
        return None
    table = (cause.diag.schema_name or "public", cause.diag.table_name)
    try:
        with connection.transaction(force_rollback=True):
            rows = _look(connection, table, cause, statement)
    except psycopg.Error:
        return None  # such as row security, which hides the rows from this role
    return rows if rows and rows.count else None


def _look(
    connection: Connection, table: Table, cause: psycopg.Error, statement: str
) -> Offending | None:
    match cause:
        case errors.NotNullViolation():
            return _nulls(connection, table, cause)
        case errors.UniqueViolation():
            return _duplicates(connection, table, cause)
        case errors.ForeignKeyViolation():
            return _orphans(connection, table, _constraint(connection, table, cause, statement))
        case errors.CheckViolation():
            return _breaking(connection, table, _constraint(connection, table, cause, statement))
    return None


def _cause(error: BaseException | None) -> tuple[psycopg.Error | None, str]:
    """Return the error of Postgres behind an exception, and its statement if known."""
    while error is not None:
        # SQLAlchemy's errors have `orig`, and so has the engine's StatementError.
        statement = getattr(error, "statement", None) or ""
        for each in (error, getattr(error, "orig", None)):
            if isinstance(each, psycopg.Error):
                return each, str(getattr(statement, "text", statement))
        error = error.__cause__ or error.__context__
    return None, ""


_OID = "SELECT oid::bigint FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s"


def _constraint(
    connection: Connection, table: Table, error: psycopg.Error, statement: str
) -> int | None:
    """Return the oid of the violated constraint, which is added again if it was rolled back.

    NOT VALID adds it without a scan of the rows; see ALTER TABLE in the manual.
    """
    wanted = (_quoted(table), error.diag.constraint_name)
    row = connection.execute(_OID, wanted).fetchone()
    if row is None and statement:
        connection.execute(f"{statement.rstrip().rstrip(';')} NOT VALID".encode())
        row = connection.execute(_OID, wanted).fetchone()
    return None if row is None else _int(row)


def _nulls(connection: Connection, table: Table, error: psycopg.Error) -> Offending:
    column = error.diag.column_name or ""
    there = connection.execute(
        "SELECT FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s",
        (_quoted(table), column),
    ).fetchone()
    # A column that the revision added was rolled back: it would be NULL in every row.
    condition = (
        sql.SQL("{} IS NULL").format(sql.Identifier(column))
        if there is not None
        else sql.SQL("true")
    )
    return _rows(connection, table, condition, f"{column} is NULL")


def _duplicates(connection: Connection, table: Table, error: psycopg.Error) -> Offending:
    key = sql.SQL(_key(error))  # spelled by Postgres, as in the definition of the index
    name = _key(error)
    counted = connection.execute(
        sql.SQL(
            "SELECT coalesce(sum(n), 0)::bigint FROM "
            "(SELECT count(*) AS n FROM {} WHERE ROW({}) IS NOT NULL GROUP BY {} "
            "HAVING count(*) > 1) AS duplicates"
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
    return Offending(".".join(table), f"{name} is not unique", _int(counted), columns, keys)


_FOREIGN_KEY = """
SELECT n.nspname, c.relname, array_agg(child.attname ORDER BY place)::text[],
    array_agg(parent.attname ORDER BY place)::text[], confmatchtype = 'f'
FROM pg_constraint k, pg_class c, pg_namespace n,
    unnest(conkey, confkey) WITH ORDINALITY AS pair(own, other, place),
    pg_attribute child, pg_attribute parent
WHERE k.oid = %s AND c.oid = confrelid AND n.oid = relnamespace
    AND child.attrelid = conrelid AND child.attnum = own
    AND parent.attrelid = confrelid AND parent.attnum = other
GROUP BY 1, 2, 5
"""


def _orphans(connection: Connection, table: Table, constraint: int | None) -> Offending | None:
    key: tuple[Any, ...] | None = connection.execute(_FOREIGN_KEY, (constraint,)).fetchone()
    if key is None:
        return None
    schema, parent, own, others, full = key
    same = sql.SQL(" AND ").join(
        sql.SQL("p.{} = {}").format(sql.Identifier(other), sql.Identifier(*table, name))
        for other, name in zip(others, own, strict=True)
    )
    # Without MATCH FULL, a row with a NULL in the key references nothing and is valid.
    nulls = sql.SQL("num_nonnulls({}) > 0" if full else "num_nulls({}) = 0")
    condition = sql.SQL("{} AND NOT EXISTS (SELECT FROM {} p WHERE {})").format(
        nulls.format(sql.SQL(", ").join(map(sql.Identifier, own))),
        sql.Identifier(schema, parent),
        same,
    )
    return _rows(connection, table, condition, f"{', '.join(own)} is not in {parent}")


def _breaking(connection: Connection, table: Table, constraint: int | None) -> Offending | None:
    expression = connection.execute(
        "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE oid = %s", (constraint,)
    ).fetchone()
    if expression is None:
        return None
    text = str(expression[0])
    condition = sql.SQL("NOT ({})").format(sql.SQL(text))  # spelled by Postgres
    return _rows(connection, table, condition, f"not {text}")


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
    """Return the columns in `Key (a, b)=(1, 2) is duplicated.`, which is localized otherwise."""
    return (error.diag.message_detail or "").partition("(")[2].partition(")=(")[0]


def _quoted(table: Table) -> str:
    return sql.Identifier(*table).as_string()


def _int(row: tuple[object, ...] | None) -> int:
    return int(str(row[0])) if row else 0
