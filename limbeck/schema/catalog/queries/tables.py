"""Tables: plain, partitioned and foreign."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.building import SPACES, Found, Row, not_member, options

TABLES: Final = f"""
SELECT c.oid, c.relnamespace, c.relname, c.relkind::text, c.relpersistence = 'u',
  c.reloptions, toast.reloptions,
  CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
  CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
  c.relrowsecurity, c.relforcerowsecurity,
  -- A foreign table has none, and cannot be given one: Postgres keeps 'n' for it.
  CASE c.relkind WHEN 'f' THEN 'd' ELSE c.relreplident::text END,
  CASE WHEN am.amname <> 'heap' THEN am.amname END,
  CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
  s.srvname, f.ftoptions
FROM pg_class c
LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid AND toast.reloptions IS NOT NULL
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid
LEFT JOIN pg_foreign_server s ON s.oid = f.ftserver
WHERE c.relkind IN ('r', 'p', 'f') AND c.relnamespace = ANY {SPACES}
  AND {not_member(classes.RELATION, "c.oid")}
"""

INHERITS: Final = f"""
SELECT inhrelid, n.nspname, c.relname FROM pg_inherits
JOIN pg_class c ON c.oid = inhparent JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE inhrelid >= {classes.FIRST_USER_OID} ORDER BY inhrelid, inhseqno
"""


def build_inherits(found: Found) -> None:
    """Keep each relation's parents in their order; partitions of indexes are among them."""
    for relation, schema, name in found.rows["inherits"]:
        found.parents.setdefault(relation, []).append((schema, name))


def build(found: Found) -> None:
    """Keep the tables that are asked for."""
    for row in found.rows["tables"]:
        schema = found.schemas.get(row[1])
        if schema is None or not found.filters.table(schema, row[2]):
            continue
        table = _table(row, schema, found)
        found.add(classes.RELATION, row[0], table)
        found.relations[row[0]] = table.address


def _table(row: Row, schema: str, found: Found) -> Table:
    oid, _, name, kind, unlogged, own, toast, key, bound, secure, forced, identity, *rest = row
    method, of_type, server, server_options = rest
    parents = tuple(Address("table", *parent) for parent in found.parents.get(oid, ()))
    return Table(
        schema=schema,
        name=name,
        kind=kind,
        unlogged=unlogged,
        options=options([*(own or ()), *(f"toast.{option}" for option in toast or ())]),
        partition_key=key,
        partition_of=parents[0] if bound else None,
        partition_bound=bound,
        inherits=() if bound else parents,
        row_security=secure,
        force_row_security=forced,
        replica_identity=identity,
        access_method=method,
        of_type=of_type,
        server=server,
        server_options=tuple(server_options or ()),
        columns=tuple(found.columns.get(oid, {}).values()),
        comment=found.comment(classes.RELATION, oid),
    )
