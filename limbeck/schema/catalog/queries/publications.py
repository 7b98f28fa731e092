"""Publications and event triggers, which are in no schema."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import not_member
from limbeck.schema.sql import forms

_TABLES: Final = """
SELECT r.prpubid AS publication, 'TABLE ' || string_agg(format('ONLY %I.%I', n.nspname, c.relname),
    ', ' ORDER BY n.nspname, c.relname) AS members
FROM pg_publication_rel r
JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
GROUP BY r.prpubid
"""

_LISTED_TABLES: Final = """
SELECT r.prpubid AS publication, 'TABLE ' || string_agg(
    format('ONLY %I.%I', n.nspname, c.relname)
    || coalesce((SELECT format(' (%s)', string_agg(quote_ident(a.attname), ', ' ORDER BY u.place))
      FROM unnest(r.prattrs::int2[]) WITH ORDINALITY AS u (number, place)
      JOIN pg_attribute a ON a.attrelid = r.prrelid AND a.attnum = u.number
      HAVING count(*) > 0), '')
    || coalesce(' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')', ''),
    ', ' ORDER BY n.nspname, c.relname) AS members
FROM pg_publication_rel r
JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
GROUP BY r.prpubid
UNION ALL
SELECT s.pnpubid, 'TABLES IN SCHEMA ' || string_agg(quote_ident(n.nspname), ', '
    ORDER BY n.nspname)
FROM pg_publication_namespace s JOIN pg_namespace n ON n.oid = s.pnnspid
GROUP BY s.pnpubid
"""


def sql(major: int) -> str:
    """Return the query for a major; 14 lacks lists of columns, conditions on rows, and schemas."""
    members = _LISTED_TABLES if forms.PUBLISHED_COLUMNS.exists(major) else _TABLES
    return f"""
SELECT {classes.PUBLICATION}, p.oid, 'publication', 0::oid, p.pubname::text,
  concat_ws(' ', format('CREATE PUBLICATION %I', p.pubname),
    CASE WHEN p.puballtables THEN 'FOR ALL TABLES' ELSE 'FOR ' || lists.members END,
    format('WITH (%s)', concat_ws(', ', format('publish = %L', concat_ws(', ',
        CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
        CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END)),
      CASE WHEN p.pubviaroot THEN 'publish_via_partition_root = true' END,
      CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN 'publish_generated_columns = stored' END))),
  format('DROP PUBLICATION %I', p.pubname)
FROM pg_publication p LEFT JOIN (
  SELECT publication, string_agg(members, ', ' ORDER BY members) AS members
  FROM ({members}) parts GROUP BY publication) lists ON lists.publication = p.oid
WHERE {not_member(classes.PUBLICATION, "p.oid")}
"""


EVENT_TRIGGERS: Final = f"""
SELECT {classes.EVENT_TRIGGER}, t.oid, 'event_trigger', 0::oid, t.evtname::text,
  concat_ws(E';\\n', concat_ws(' ',
      format('CREATE EVENT TRIGGER %I ON %I', t.evtname, t.evtevent),
      (SELECT format('WHEN TAG IN (%s)', string_agg(quote_literal(tag), ', '))
        FROM unnest(t.evttags) AS tag HAVING count(*) > 0),
      format('EXECUTE FUNCTION %s()', t.evtfoid::regproc)),
    format('ALTER EVENT TRIGGER %I ', t.evtname) || (CASE t.evtenabled WHEN 'D' THEN 'DISABLE'
      WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END)),
  format('DROP EVENT TRIGGER %I', t.evtname)
FROM pg_event_trigger t
WHERE {not_member(classes.EVENT_TRIGGER, "t.oid")}
"""
