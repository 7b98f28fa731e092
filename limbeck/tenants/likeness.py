"""Find tenants that hold the same objects, by a hash that the server computes for each schema.

What belongs to a tenant is spelled by Postgres itself and without the name of its schema. So of
tenants that are alike one is read, and neither bytes nor objects grow with the others. Tenants
that seem to differ, and do not, only cost one more read: the catalogs decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from limbeck.postgres.connect import Connection
from limbeck.schema.catalog.pipeline import asked
from limbeck.schema.catalog.queries import classes
from limbeck.schema.sql.quoting import literal

_RELATIONS: Final = "pg_class c JOIN chosen s ON s.oid = c.relnamespace"
_OWN: Final = "c.relname !~ '^alembic_version'"  # with its key

# Each row is a text about one object, beside the schema that it is in. A function that spells a
# definition opens its table, which costs more than all the rest where there are 20,000 of them: it
# is called where there is an expression, and a default is spelled without its table.
_ROWS: Final = (
    # Relations, with what ALTER TABLE sets.
    f"""SELECT s.nspname, concat_ws(' ', c.relname, c.relkind, c.relpersistence, c.relrowsecurity,
      c.relforcerowsecurity, c.relreplident, c.relispartition, c.reloptions::text,
      pg_get_expr(c.relpartbound, c.oid), CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid)
      WHEN 'v' THEN pg_get_viewdef(c.oid) WHEN 'm' THEN pg_get_viewdef(c.oid) END,
      c.relowner::regrole, {{acl}}) FROM {_RELATIONS} WHERE {_OWN}""",
    f"""SELECT s.nspname, concat_ws(' ', c.relname, p.relname, i.inhseqno) FROM {_RELATIONS}
      JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_class p ON p.oid = i.inhparent""",
    # Columns without their numbers: the order is no difference to a catalog either.
    f"""SELECT s.nspname, concat_ws(' ', c.relname, a.attname,
      format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
      a.attcollation::regcollation, a.attstorage, a.attcompression, a.attstattarget,
      a.attoptions::text, a.attislocal,
      pg_get_expr(d.adbin, CASE a.attgenerated WHEN '' THEN 0 ELSE d.adrelid END))
      FROM {_RELATIONS} JOIN pg_attribute a ON a.attrelid = c.oid
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
      WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
      AND {_OWN}""",
    # Most are NOT NULL from Postgres 18 on: those have a column and nothing to spell.
    """SELECT s.nspname, concat_ws(' ', coalesce(c.relname, t.typname), k.conname,
      CASE k.contype WHEN 'n' THEN concat_ws(' ', a.attname, k.connoinherit)
      ELSE pg_get_constraintdef(k.oid) END,
      k.convalidated, k.conislocal, k.condeferrable, k.condeferred)
      FROM pg_constraint k JOIN chosen s ON s.oid = k.connamespace
      LEFT JOIN pg_attribute a ON k.contype = 'n' AND a.attrelid = k.conrelid
        AND a.attnum = k.conkey[1]
      LEFT JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_type t ON t.oid = k.contypid
      WHERE c.relname IS DISTINCT FROM 'alembic_version'""",
    f"""SELECT s.nspname, concat_ws(' ', pg_get_indexdef(c.oid), i.indisvalid, i.indisclustered,
      i.indisreplident) FROM {_RELATIONS} JOIN pg_index i ON i.indexrelid = c.oid WHERE {_OWN}""",
    f"""SELECT s.nspname, concat_ws(' ', c.relname, q.seqtypid::regtype, q.seqstart, q.seqincrement,
      q.seqmax, q.seqmin, q.seqcache, q.seqcycle) FROM {_RELATIONS}
      JOIN pg_sequence q ON q.seqrelid = c.oid""",
    f"""SELECT s.nspname, concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled) FROM {_RELATIONS}
      JOIN pg_trigger t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal""",
    f"""SELECT s.nspname, concat_ws(' ', c.relname, pg_get_ruledef(r.oid), r.ev_enabled)
      FROM {_RELATIONS} JOIN pg_rewrite r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN'""",
    f"""SELECT s.nspname, concat_ws(' ', c.relname, p.polname, p.polcmd, p.polpermissive,
      p.polroles::regrole[]::text, pg_get_expr(p.polqual, c.oid),
      pg_get_expr(p.polwithcheck, c.oid))
      FROM {_RELATIONS} JOIN pg_policy p ON p.polrelid = c.oid""",
    """SELECT s.nspname, concat_ws(' ', p.proname, p.prokind, p.proowner::regrole,
      pg_get_function_arguments(p.oid), CASE WHEN p.prokind IN ('f', 'p')
      THEN pg_get_functiondef(p.oid) END)
      FROM pg_proc p JOIN chosen s ON s.oid = p.pronamespace""",
    """SELECT s.nspname, concat_ws(' ', t.typname, t.typtype, t.typnotnull, t.typdefault,
      format_type(t.typbasetype, t.typtypmod), (SELECT string_agg(e.enumlabel, ',' ORDER BY
      e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
      FROM pg_type t JOIN chosen s ON s.oid = t.typnamespace
      WHERE t.typname NOT IN ('alembic_version', '_alembic_version')""",
    """SELECT s.nspname, pg_get_statisticsobjdef(e.oid)
      FROM pg_statistic_ext e JOIN chosen s ON s.oid = e.stxnamespace""",
    """SELECT s.nspname, concat_ws(' ', 'operator', o.oprname) FROM pg_operator o
      JOIN chosen s ON s.oid = o.oprnamespace""",
    """SELECT s.nspname, concat_ws(' ', 'collation', o.collname) FROM pg_collation o
      JOIN chosen s ON s.oid = o.collnamespace""",
    f"""SELECT s.nspname, concat_ws(' ', c.relname, d.objsubid, d.description) FROM {_RELATIONS}
      JOIN pg_description d ON d.classoid = {classes.RELATION} AND d.objoid = c.oid""",
    f"""SELECT s.nspname, concat_ws(' ', k.conname, d.description) FROM pg_constraint k
      JOIN chosen s ON s.oid = k.connamespace
      JOIN pg_description d ON d.classoid = {classes.CONSTRAINT} AND d.objoid = k.oid""",
)
_QUERY: Final = """
WITH chosen AS (SELECT oid, nspname, quote_ident(nspname) || '.' AS prefix
  FROM pg_namespace WHERE nspname IN ({names})),
-- In a default such as nextval('...'), the name stands in a literal.
hashes AS (SELECT r.nspname, sum(hashtextextended(replace(replace(r.text, s.prefix, ''),
    replace(s.prefix, '''', ''''''), ''), 0)) AS hash
  FROM ({rows}) AS r (nspname, text) JOIN chosen s USING (nspname) GROUP BY r.nspname)
SELECT array_agg(s.nspname::text ORDER BY s.nspname)
FROM chosen s LEFT JOIN hashes h USING (nspname) GROUP BY h.hash"""


def alike(
    connection: Connection, tenants: Sequence[str], *, grants: bool = False
) -> tuple[tuple[str, ...], ...]:
    """Return the tenants in groups that hold the same objects.

    Args:
        connection: A session on their database, in no transaction.
        tenants: Their schemas.
        grants: Whether privileges count.

    """
    if not tenants:
        return ()
    acl = "c.relacl::text" if grants else "NULL"
    rows = " UNION ALL ".join(rows.replace("{acl}", acl) for rows in _ROWS)
    query = _QUERY.format(names=", ".join(map(literal, tenants)), rows=rows)
    with asked(connection, {"alike": query}, None) as answers:
        return tuple(tuple(names) for (names,) in answers["alike"])
