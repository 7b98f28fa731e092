"""Contents of a database that a Catalog lacks: rows, and objects of unsupported kinds."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import sql

from limbeck.dataclass import dataclass
from limbeck.plurals import nouns
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.schema.sql.own_schemas import of_users

# Objects of users have oids from 16384 on (FirstNormalObjectId, src/include/access/transam.h).
_UNKNOWN: Final = {
    name: f"SELECT count(*) FROM {name} WHERE {oid} >= 16384"
    for name, oid in {
        "pg_am": "oid",
        "pg_cast": "oid",
        "pg_collation": "oid",
        "pg_conversion": "oid",
        "pg_event_trigger": "oid",
        "pg_foreign_data_wrapper": "oid",
        "pg_foreign_server": "oid",
        "pg_language": "oid",
        "pg_largeobject_metadata": "oid",
        "pg_opclass": "oid",
        "pg_operator": "oid",
        "pg_opfamily": "oid",
        "pg_policy": "oid",
        "pg_proc": "oid",
        "pg_publication": "oid",
        "pg_rewrite": "oid",
        "pg_statistic_ext": "oid",
        "pg_transform": "oid",
        "pg_ts_config": "oid",
        "pg_ts_dict": "oid",
        "pg_ts_parser": "oid",
        "pg_ts_template": "oid",
    }.items()
} | {
    "pg_db_role_setting": "SELECT count(*) FROM pg_db_role_setting WHERE setdatabase ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())",
    "pg_subscription": "SELECT count(*) FROM pg_subscription WHERE subdbid ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())",
    "pg_seclabel": "SELECT count(*) FROM pg_seclabel",
}

_TABLES: Final = f"""
SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'S') AND c.relpersistence <> 't'
    AND {of_users("n.nspname")}
    AND c.relname <> 'alembic_version'
    AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2"""


@dataclass(frozen=True, slots=True)
class Contents:
    """A hash of the rows of each table, the values of sequences, and object counts by catalog."""

    rows: tuple[tuple[str, str], ...]
    unknown: tuple[tuple[str, int], ...]

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables with rows, and the sequences that were used."""
        return tuple(name for name, _ in self.rows)

    def difference(self, other: Contents) -> tuple[str, ...]:
        """Return the differences from other contents, in words."""
        rows = dict(self.rows)
        others = dict(other.rows)
        names = [name for name in {**rows, **others} if rows.get(name) != others.get(name)]
        known = dict(other.unknown)
        counts = [
            f"{name} has {count} {nouns(count, 'row')}, not {known[name]}"
            for name, count in self.unknown
            if count != known[name]
        ]
        return (*(f"the rows of {name} differ" for name in names), *counts)


def contents(database: Database) -> Contents:
    """Return the contents of a database."""
    with connect(database, read_only=True) as connection:
        tables = connection.execute(_TABLES).fetchall()
        rows = [
            (f"{schema}.{name}", content)
            for schema, name, kind in tables
            if (content := _content(connection, str(schema), str(name), str(kind)))
        ]
        counts = [(name, _count(connection, query)) for name, query in _UNKNOWN.items()]
    return Contents(tuple(rows), tuple(counts))


def _content(connection: Connection, schema: str, name: str, kind: str) -> str | None:
    """Return a hash of a table's rows, or the value of a sequence; None if empty or not used."""
    query = (
        "SELECT CASE WHEN is_called THEN last_value::text END FROM {}"
        if kind == "S"
        else "SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM {} t"
    )
    row = connection.execute(sql.SQL(query).format(sql.Identifier(schema, name))).fetchone()
    return str(row[0]) if row and row[0] is not None else None


def _count(connection: Connection, query: str) -> int:
    try:
        row = connection.execute(query.encode()).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return 0  # pg_subscription is readable by superusers only
    return int(str(row[0])) if row else 0
