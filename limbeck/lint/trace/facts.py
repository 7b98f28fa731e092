"""The catalog rows of user objects by oid, so that a rename is recognized as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, TypeVar

import psycopg

from limbeck.dataclass import dataclass
from limbeck.schema.sql import own_schemas

Fact = TypeVar("Fact")

_OWN = own_schemas.of_users("n.nspname")


@dataclass(frozen=True, slots=True)
class Relation:
    """A row of pg_class; `kind` is relkind, `parent` the table that it is a partition of."""

    oid: int
    schema: str
    name: str
    kind: str
    file: int
    persistence: str
    space: int
    method: int
    owner: int
    parent: int | None
    security: bool
    identity: str

    def __str__(self) -> str:
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Column:
    """A row of pg_attribute; `strict` says whether its type is a domain with constraints.

    `sort` is the base type of a domain, and "enum", "composite" or "range" for a user's own type.
    """

    table: int
    number: int
    name: str
    type: str
    type_oid: int
    collation: int
    not_null: bool
    default: str | None
    generated: str
    identity: str
    domain: bool
    strict: bool
    enum: bool
    has_default: bool
    sort: str


@dataclass(frozen=True, slots=True)
class Constraint:
    """A row of pg_constraint; `kind` is contype, `table` is 0 for constraints of domains."""

    oid: int
    name: str
    table: int
    domain: int
    kind: str
    valid: bool
    other: int
    index: int
    columns: tuple[int, ...]
    definition: str
    parent: int


@dataclass(frozen=True, slots=True)
class Index:
    """A row of pg_index; its name is in its relation."""

    oid: int
    table: int
    unique: bool
    primary: bool
    valid: bool
    columns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Type:
    """A row of pg_type for an enum, with its labels by oid, or a domain."""

    oid: int
    schema: str
    name: str
    kind: str
    not_null: bool
    labels: tuple[tuple[int, str], ...]

    def __str__(self) -> str:
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Trigger:
    """A row of pg_trigger that a user created; `enabled` is tgenabled."""

    oid: int
    name: str
    table: int
    enabled: str


@dataclass(frozen=True, slots=True)
class Named:
    """Any other named object: a schema, an extension; `version` is that of an extension.

    Of a function it is a hash of what decides over its results.
    """

    oid: int
    kind: str
    name: str
    table: int
    version: str


QUERIES: Mapping[str, tuple[type[Any], str]] = {
    "relations": (
        Relation,
        f"""SELECT c.oid::bigint, n.nspname, c.relname, c.relkind::text, c.relfilenode::bigint,
            c.relpersistence::text, c.reltablespace::bigint, c.relam::bigint, c.relowner::bigint,
            (SELECT inhparent::bigint FROM pg_inherits
              WHERE inhrelid = c.oid AND c.relispartition),
            c.relrowsecurity, c.relreplident::text
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {_OWN}""",
    ),
    "columns": (
        Column,
        f"""SELECT a.attrelid::bigint, a.attnum::int, a.attname,
            format_type(a.atttypid, a.atttypmod), a.atttypid::bigint, a.attcollation::bigint,
            a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attgenerated::text,
            a.attidentity::text, t.typtype = 'd',
            t.typtype = 'd' AND (t.typnotnull
                OR EXISTS (SELECT FROM pg_constraint k WHERE k.contypid = t.oid)),
            t.typtype = 'e', a.atthasdef OR t.typdefault IS NOT NULL,
            CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod)
                WHEN t.oid < 16384 THEN format_type(a.atttypid, a.atttypmod)
                WHEN t.typtype = 'e' THEN 'enum' WHEN t.typtype = 'c' THEN 'composite'
                WHEN t.typtype IN ('r', 'm') THEN 'range' ELSE format_type(a.atttypid, NULL) END
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'm', 'v')
        AND {_OWN}""",
    ),
    "constraints": (
        Constraint,
        f"""SELECT k.oid::bigint, k.conname, k.conrelid::bigint, k.contypid::bigint,
            k.contype::text, k.convalidated, k.confrelid::bigint, k.conindid::bigint,
            coalesce(k.conkey::int[], '{{}}'), pg_get_constraintdef(k.oid), k.conparentid::bigint
        FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
        WHERE k.contype <> 't' AND {_OWN}""",
    ),
    "indexes": (
        Index,
        f"""SELECT i.indexrelid::bigint, i.indrelid::bigint, i.indisunique, i.indisprimary,
            i.indisvalid, string_to_array(i.indkey::text, ' ')::int[]
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OWN}""",
    ),
    "types": (
        Type,
        f"""SELECT t.oid::bigint, n.nspname, t.typname, t.typtype::text, t.typnotnull,
            coalesce((SELECT array_agg(ARRAY[e.oid::text, e.enumlabel::text]
                ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid), '{{}}')
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE t.typtype IN ('e', 'd') AND {_OWN}""",
    ),
    "triggers": (
        Trigger,
        """SELECT oid::bigint, tgname, tgrelid::bigint, tgenabled::text
        FROM pg_trigger WHERE NOT tgisinternal""",
    ),
    "others": (
        Named,
        f"""SELECT n.oid::bigint, 'schema', n.nspname, 0::bigint, '' FROM pg_namespace n
        WHERE {_OWN}
        UNION ALL SELECT oid::bigint, 'extension', extname, 0, extversion FROM pg_extension
        UNION ALL SELECT p.oid::bigint, 'function', n.nspname || '.' || p.proname, 0,
        md5(concat_ws('|', p.prosrc, pg_get_function_sqlbody(p.oid), p.proisstrict, p.proconfig))
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_OWN}
        UNION ALL SELECT oid::bigint, 'policy', polname, polrelid::bigint, '' FROM pg_policy
        UNION ALL SELECT r.oid::bigint, 'rule', r.rulename, r.ev_class::bigint, ''
        FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN' AND {_OWN}
        UNION ALL SELECT 0, 'published', p.pubname, relid::bigint, ''
        FROM pg_publication p, pg_get_publication_tables(p.pubname) AS published
        WHERE p.pubupdate OR p.pubdelete""",
    ),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """The catalog at one moment; all mappings are by oid, columns by (table, number)."""

    relations: Mapping[int, Relation] = field(default_factory=dict)
    columns: Mapping[tuple[int, int], Column] = field(default_factory=dict)
    constraints: Mapping[int, Constraint] = field(default_factory=dict)
    indexes: Mapping[int, Index] = field(default_factory=dict)
    types: Mapping[int, Type] = field(default_factory=dict)
    triggers: Mapping[int, Trigger] = field(default_factory=dict)
    others: Mapping[tuple[str, int, int], Named] = field(default_factory=dict)

    def name(self, oid: int) -> str:
        """Return the name of a relation, with its schema unless it is public."""
        return str(self.relations.get(oid, oid))

    def columns_of(self, table: int) -> tuple[Column, ...]:
        """Return the columns of a table in their order."""
        columns = sorted(self.columns.items())
        return tuple(column for (owner, _), column in columns if owner == table)


def read(connection: psycopg.Connection[Any]) -> Facts:
    """Return the facts of a database.

    Inside a transaction they are read under a savepoint, so that its locks on the catalogs are
    released and do not look like those of the revision.
    """
    cursor = psycopg.Cursor(connection)
    inside = connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE
    cursor.execute("SAVEPOINT limbeck_facts" if inside else "SELECT")
    try:
        rows = {name: _rows(cursor, kind, sql) for name, (kind, sql) in QUERIES.items()}
    finally:
        if inside:
            cursor.execute("ROLLBACK TO limbeck_facts; RELEASE limbeck_facts")
    return Facts(
        columns={(each.table, each.number): each for each in rows.pop("columns")},
        others={(each.kind, each.oid, each.table): each for each in rows.pop("others")},
        **{name: {each.oid: each for each in values} for name, values in rows.items()},
    )


def _rows(cursor: psycopg.Cursor[Any], kind: type[Any], sql: str) -> list[Any]:
    rows = cursor.execute(sql.encode()).fetchall()
    return [kind(*(_frozen(value) for value in row)) for row in rows]


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
