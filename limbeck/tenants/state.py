"""Read where all tenants of a database stand, in a few round trips for any number of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from psycopg.rows import tuple_row

from limbeck.dataclass import dataclass
from limbeck.engine.ledger import TENANT_TABLE
from limbeck.engine.version_table import VersionTable
from limbeck.postgres.connect import Connection
from limbeck.schema.sql.own_schemas import STATE
from limbeck.schema.sql.quoting import literal, qualified

_TABLES: Final = """
SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %(name)s AND n.nspname = ANY (%(tenants)s)"""
_LEDGER: Final = f"""
SELECT to_regclass('{STATE}.{TENANT_TABLE}') IS NOT NULL
  AND has_table_privilege(to_regclass('{STATE}.{TENANT_TABLE}'), 'SELECT')"""
# Tenants whose ledgers say the same are one group: what is applied by which code, and what is
# half-done. Who ran it when, in how many attempts and after which downgrades does not count.
_ROWS: Final = f"""
SELECT tenant, md5(string_agg(concat_ws(' ', revision, sql, file,
    CASE WHEN finished IS NULL THEN concat_ws(' ', action, digest, steps, doubt) END), E'\\n'
    ORDER BY revision, finished))
FROM (SELECT DISTINCT ON (tenant, revision, finished IS NULL) *
    FROM {STATE}.{TENANT_TABLE} WHERE tenant = ANY ({{tenants}})
    ORDER BY tenant, revision, finished IS NULL, id DESC) AS last
WHERE finished IS NULL OR action IN ('upgrade', 'stamp', 'adopt') GROUP BY tenant"""
_NONE: Final = "SELECT NULL::text, NULL::text WHERE false"
# Planned by itself, a union of 500 tables takes a third of what it takes inside of a join.
_GROUPS: Final = """
WITH versions (name, id) AS MATERIALIZED ({versions})
SELECT v.ids, l.rows, array_agg(v.tenant ORDER BY v.tenant)
FROM (SELECT name, array_agg(id ORDER BY id) FILTER (WHERE id IS NOT NULL)
  FROM unnest({tenants}) AS name LEFT JOIN versions USING (name) GROUP BY name
  ) AS v (tenant, ids) LEFT JOIN ({rows}) AS l (tenant, rows) USING (tenant)
GROUP BY v.ids, l.rows ORDER BY min(v.tenant)"""


@dataclass(frozen=True, slots=True)
class Group:
    """Tenants whose version rows and ledgers say the same.

    `rows` is a hash of their ledgers' rows; None where these are empty.
    """

    current: tuple[str, ...]
    rows: str | None
    tenants: tuple[str, ...]

    @property
    def first(self) -> str:
        """The tenant that stands for all of them."""
        return self.tenants[0]


def groups(
    connection: Connection, table: VersionTable, tenants: Sequence[str]
) -> tuple[Group, ...]:
    """Return the groups of tenants, which the server forms.

    Args:
        connection: A session on their database.
        table: The name of the version table that each of them has.
        tenants: Their schemas.

    """
    if not tenants:
        return ()
    with connection.cursor(row_factory=tuple_row) as cursor:
        values = {"name": table.name, "tenants": list(tenants)}
        present = {row[0] for row in cursor.execute(_TABLES, values)}
        ((has_ledger,),) = cursor.execute(_LEDGER).fetchall()
        # No parameters: a percent sign in the name of a tenant is none to the driver then.
        names = f"ARRAY[{', '.join(map(literal, tenants))}]"
        rows = _ROWS.format(tenants=names) if has_ledger else _NONE
        versions = " UNION ALL ".join(_versions(table, tenants, present)) or _NONE
        query = _GROUPS.format(tenants=names, versions=versions, rows=rows)
        answer = cursor.execute(query.encode())
        return tuple(Group(tuple(ids or ()), hash_, tuple(names)) for ids, hash_, names in answer)


def _versions(table: VersionTable, tenants: Sequence[str], present: set[Any]) -> Iterator[str]:
    """Yield the query for the version rows of each tenant that has such a table."""
    for tenant in tenants:
        if tenant in present:
            # Flat: Postgres plans 500 sub-selects of an aggregate in three times as long.
            rows = qualified(tenant, table.name)
            yield f"SELECT {literal(tenant)}::text, version_num::text FROM ONLY {rows}"
