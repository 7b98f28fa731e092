"""Generate rows for empty tables, so that scans, rewrites and checks have something to do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final, Literal, TypeAlias

import psycopg

from limbeck.postgres.connect import Connection
from limbeck.schema.sql.lexer import tokens
from limbeck.schema.sql.own_schemas import of_users

COUNTS = (1000, 99, 9, 1)
"""Numbers of rows to try: unique booleans and short types such as varchar(1) hold only few."""

SAMPLE: Final = 50
"""How many values of earlier rows are repeated."""
Filling: TypeAlias = Literal["numbers", "objects"]
"""What columns of text get: numbers, to which foreign keys match; or objects as JSON.

With numbers, a table that has rows gets the texts of these once more.
"""
FILLINGS: Final[tuple[Filling, ...]] = ("numbers", "objects")
OBJECT: Final = "json_build_object('n', g)::text"

VALUES: Mapping[str, str] = {
    "bool": "g % 2 = 0",
    "uuid": "md5(g::text)::uuid",
    "date": "current_date + g",
    "time": "'00:00'::time + g * interval '1 second'",
    "timetz": "'00:00+00'::timetz + g * interval '1 second'",
    "timestamp": "localtimestamp + g * interval '1 minute'",
    "timestamptz": "current_timestamp + g * interval '1 minute'",
    "interval": "g * interval '1 minute'",
    "json": "'{}'",
    "jsonb": "'{}'",
    "bytea": "convert_to(g::text, 'UTF8')",
    "inet": "'10.0.0.0'::inet + g",
    "cidr": "('10.0.0.0'::inet + g)::cidr",
    "macaddr": "'08:00:2b:01:02:03'",
    "bit": "g::bit(32)",
    "varbit": "g::bit(32)",
    "point": "point(g, g)",
    "tsvector": "''",
    "xml": "'<a/>'::xml",
}
"""Expressions by type; other numbers and texts are the row number, so that foreign keys match."""

TABLES = f"""
SELECT c.oid::bigint, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
    pg_relation_size(c.oid) > 0
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND {of_users("n.nspname")}
AND c.relname <> 'alembic_version'
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.oid"""
COLUMNS = """
SELECT a.attrelid::bigint, quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
    b.typname, b.typtype::text, b.typcategory::text, a.atthasdef OR a.attidentity <> '',
    a.attnotnull, EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid
        AND a.attnum = ANY (k.conkey) AND k.contype IN ('p', 'u', 'f')),
    (SELECT string_agg(pg_get_constraintdef(k.oid), ' ') FROM pg_constraint k
        WHERE k.contype = 'c' AND (k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)
        OR k.contypid = a.atttypid))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attrelid = ANY (%s)
ORDER BY a.attnum"""


def fillable(connection: Connection) -> bool:
    """Return whether there is any table to fill."""
    return connection.execute(TABLES.encode()).fetchone() is not None


def fill(
    connection: Connection,
    tables: Collection[int] | None = None,
    filling: Filling = "numbers",
    counts: Sequence[int] = COUNTS,
) -> frozenset[int]:
    """Fill tables as far as their constraints allow; return the oids of those still empty.

    The connection is in autocommit mode. Foreign keys and triggers are disabled if the role may do
    so; otherwise tables are tried again until no further one accepts rows.

    Args:
        connection: Where the tables are.
        tables: The oids of the tables; None for all. A role that cannot disable foreign keys
            fills all, because the rows of a table need those that it refers to.
        filling: What columns of text get, as far as they are no keys.
        counts: Numbers of rows to try.

    """
    cursor = psycopg.Cursor(connection)
    chosen = tables if _triggers(cursor, "replica") else None
    listed: list[Any] = cursor.execute(TABLES.encode()).fetchall()
    todo = {oid: str(name) for oid, name, _ in listed if chosen is None or oid in chosen}
    seeded = {oid for oid, _, has_rows in listed if has_rows}
    columns: dict[int, list[Any]] = {}
    table: Any
    for table, *rest in cursor.execute(COLUMNS, [list(todo)]).fetchall():
        columns.setdefault(table, []).append(rest)
    names = [name for name in todo.values() if chosen is not None]
    while filled := [
        oid
        for oid in todo
        if _filled(cursor, todo[oid], columns.get(oid, []), filling, counts, seeded=oid in seeded)
    ]:
        for oid in filled:
            del todo[oid]
    _triggers(cursor, "origin")
    if names or chosen is None:
        cursor.execute(f"ANALYZE {', '.join(names)}".encode())
    return frozenset(todo)


def _triggers(cursor: psycopg.Cursor[Any], role: str) -> bool:
    try:
        cursor.execute(f"SET session_replication_role = {role}".encode())
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def _filled(  # noqa: PLR0913 - which rows, how many, and where
    cursor: psycopg.Cursor[Any],
    table: str,
    columns: list[Any],
    filling: Filling,
    counts: Sequence[int],
    *,
    seeded: bool,
) -> bool:
    for count, careful in product(counts, (False, True)):
        values = dict(_values(columns, filling, careful=careful))
        if seeded and filling == "numbers":
            values |= _sampled(table, columns)
        names = f"({', '.join(values)})" if values else ""
        query = (
            f"INSERT INTO {table} {names} OVERRIDING SYSTEM VALUE "
            f"SELECT {', '.join(values.values())} FROM generate_series(1, {count}) AS g"
        )
        try:
            cursor.execute(query.encode())
        except psycopg.Error:
            continue
        return True
    return False


def _sampled(table: str, columns: list[Any]) -> Iterator[tuple[str, str]]:
    """Yield columns of text and JSON with values of the rows that earlier revisions have written.

    What reads such a column expects the form that these have, whatever the type allows.
    """
    for name, _, base, _, category, _, _, key, _ in columns:
        if not key and (category == "S" or base in {"json", "jsonb"}):
            sample = f"ARRAY(SELECT {name} FROM {table} WHERE {name} IS NOT NULL LIMIT {SAMPLE})"
            yield (
                name,
                f"(SELECT s[1 + g % greatest(1, cardinality(s))] FROM (SELECT {sample} s) v)",
            )


def _values(columns: list[Any], filling: Filling, *, careful: bool) -> Iterator[tuple[str, str]]:
    """Yield columns with their values; `careful` takes values from the literals of CHECKs."""
    for name, type_, base, kind, category, default, needed, key, check in columns:
        if careful and check and not key:
            if default:
                continue
            literals = (text for kind, text, _ in tokens(check) if kind == "string")
            literal = next((text for text in literals if text != "''"), None)
            yield name, f"{literal}::{type_}" if literal else "NULL" if not needed else "1"
        elif filling == "objects" and category == "S" and not key and not check:
            yield name, f"{OBJECT}::{type_}"
        elif (value := _value(type_, base, kind, category)) and not (default and check):
            yield name, value
        elif needed and not default:
            yield name, f"'{{}}'::{type_}"


def _value(type_: str, base: str, kind: str, category: str) -> str | None:
    if kind == "e":
        return f"(enum_range(NULL::{type_}))[1 + g % cardinality(enum_range(NULL::{type_}))]"
    if kind == "r":
        return f"'empty'::{type_}"
    if category == "A":
        return f"'{{}}'::{type_}"
    if base in VALUES:
        return f"({VALUES[base]})::{type_}"
    return f"g::text::{type_}" if category in "NS" or base == "citext" else None
