"""SQL that remembers what a database itself has of objects, and that restores it later.

A schema does not state who owns a view on production, to whom it is granted, or the statistics
targets of its columns. Where a revision drops and creates it again, `recreated` puts these two
statements around that. They run wherever the revision runs, without limbeck. A setting of the
session carries the statements from one to the other: a temporary table would need the privilege
TEMPORARY.
"""

from __future__ import annotations

from typing import ClassVar, Final

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.sql.quoting import literal

# Owners come first, so that grants are theirs. Default privileges may have given a new object what
# the old one did not have, hence the REVOKE.
QUERY: Final = """\
-- Keep, as statements in the setting {0}, what this database has of objects that are
-- created again below: owner, privileges, comments, security labels, options, statistics targets.
WITH given (kind, name, part, without) AS (VALUES
  {1}
), object AS (
  SELECT kind, name, part, without::text[], class::regclass, CASE class
      WHEN 'pg_class' THEN name::regclass::oid
      WHEN 'pg_proc' THEN name::regprocedure::oid
      WHEN 'pg_type' THEN name::regtype::oid
      WHEN 'pg_collation' THEN name::regcollation::oid
      WHEN 'pg_statistic_ext' THEN (SELECT oid FROM pg_statistic_ext
        WHERE format('%I.%I', stxnamespace::regnamespace, stxname) = name)
      WHEN 'pg_publication' THEN (SELECT oid FROM pg_publication WHERE quote_ident(pubname) = name)
      WHEN 'pg_trigger' THEN (SELECT oid FROM pg_trigger
        WHERE tgrelid = name::regclass AND tgname = part)
      WHEN 'pg_rewrite' THEN (SELECT oid FROM pg_rewrite
        WHERE ev_class = name::regclass AND rulename = part)
      WHEN 'pg_policy' THEN (SELECT oid FROM pg_policy
        WHERE polrelid = name::regclass AND polname = part)
      ELSE (SELECT oid FROM pg_constraint WHERE conrelid = name::regclass AND conname = part)
    END AS id,
    CASE WHEN class IN ('pg_trigger', 'pg_rewrite', 'pg_policy', 'pg_constraint')
      THEN format('%s %I ON %s', kind, part, name) ELSE format('%s %s', kind, name) END AS target
  FROM given, LATERAL (SELECT CASE kind
      WHEN 'ROUTINE' THEN 'pg_proc' WHEN 'TYPE' THEN 'pg_type' WHEN 'DOMAIN' THEN 'pg_type'
      WHEN 'COLLATION' THEN 'pg_collation' WHEN 'STATISTICS' THEN 'pg_statistic_ext'
      WHEN 'PUBLICATION' THEN 'pg_publication' WHEN 'TRIGGER' THEN 'pg_trigger'
      WHEN 'RULE' THEN 'pg_rewrite' WHEN 'POLICY' THEN 'pg_policy'
      WHEN 'CONSTRAINT' THEN 'pg_constraint' ELSE 'pg_class' END) AS catalog (class)
), field AS (
  SELECT object.*, quote_ident(attname) AS field, a.*
  FROM object JOIN pg_attribute AS a ON class = 'pg_class'::regclass AND attrelid = id
  WHERE attnum > 0 AND NOT attisdropped AND (kind <> 'COLUMN' OR attname = part)
    AND NOT attname = ANY (without)
), item (without, class, id, sub, target, aspect) AS (
  SELECT without, class, id, 0, target, '' FROM object WHERE kind <> 'COLUMN'
  UNION ALL
  SELECT without, class, id, attnum, format('COLUMN %s.%s', name, field), attname || ' '
  FROM field WHERE kind <> 'INDEX'
), holder (without, kind, name, owner, noun, acl, usual) AS (
  SELECT without, kind, name, relowner, CASE kind WHEN 'SEQUENCE' THEN kind ELSE 'TABLE' END,
    relacl, acldefault(CASE kind WHEN 'SEQUENCE' THEN 's' ELSE 'r' END::"char", relowner)
  FROM object JOIN pg_class ON (tableoid, oid) = (class, id) WHERE kind NOT IN ('COLUMN', 'INDEX')
  UNION ALL
  SELECT without, kind, name, proowner, kind, proacl, acldefault('f', proowner)
  FROM object JOIN pg_proc ON (tableoid, oid) = (class, id)
  UNION ALL
  SELECT without, kind, name, typowner, 'TYPE', typacl, acldefault('T', typowner)
  FROM object JOIN pg_type ON (tableoid, oid) = (class, id)
  UNION ALL
  SELECT without, kind, name, owner, NULL, NULL, NULL FROM object JOIN (
    SELECT tableoid, oid, collowner FROM pg_collation
    UNION ALL SELECT tableoid, oid, stxowner FROM pg_statistic_ext
    UNION ALL SELECT tableoid, oid, pubowner FROM pg_publication
  ) AS other (catalog, oid, owner) ON (catalog, oid) = (class, id)
), kept (place, statement) AS (
  SELECT 1, format('ALTER %s %s OWNER TO %s', kind, name, owner::regrole)
  FROM holder WHERE owner <> current_user::regrole AND NOT 'owner' = ANY (without)
  UNION ALL
  SELECT 2, format('REVOKE ALL ON %s %s FROM PUBLIC, %s', noun, name, concat_ws(', ',
    owner::regrole, (SELECT string_agg(DISTINCT grantee::regrole::text, ', ')
      FROM pg_default_acl, aclexplode(defaclacl) WHERE grantee <> 0)))
  FROM holder WHERE acl IS NOT NULL OR EXISTS (SELECT FROM pg_default_acl) AND noun IS NOT NULL
  UNION ALL
  SELECT 3, format('GRANT %s %s TO %s%s', privilege_type, target,
    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
    CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)
  FROM (
    SELECT format('ON %s %s', noun, name), coalesce(acl, usual) FROM holder
    WHERE acl IS NOT NULL OR EXISTS (SELECT FROM pg_default_acl)
    UNION ALL
    SELECT format('(%s) ON %s', field, name), attacl FROM field
  ) AS granted (target, acl), aclexplode(acl)
  UNION ALL
  SELECT 4, format('COMMENT ON %s IS %L', target, description)
  FROM item JOIN pg_description ON (classoid, objoid, objsubid) = (class, id, sub)
  WHERE NOT aspect || 'comment' = ANY (without)
  UNION ALL
  SELECT 4, format('SECURITY LABEL FOR %I ON %s IS %L', provider, target, label)
  FROM item JOIN pg_seclabel ON (classoid, objoid, objsubid) = (class, id, sub)
  UNION ALL
  SELECT 4, format('ALTER %s SET (%s)', target,
    string_agg(format('%s%I = %L', prefix, option_name, option_value), ', '))
  FROM object JOIN pg_class AS c ON (c.tableoid, c.oid) = (class, id)
  LEFT JOIN pg_class AS toast ON toast.oid = c.reltoastrelid, LATERAL (
    SELECT '', * FROM pg_options_to_table(c.reloptions)
    UNION ALL SELECT 'toast.', * FROM pg_options_to_table(toast.reloptions)
  ) AS options (prefix)
  WHERE kind <> 'COLUMN' AND NOT 'options' = ANY (without) GROUP BY target
  UNION ALL
  SELECT 4, format('ALTER %s %s ALTER COLUMN %s SET %s', CASE kind WHEN 'COLUMN' THEN 'TABLE'
    ELSE kind END, name, CASE kind WHEN 'INDEX' THEN attnum::text ELSE field END, setting)
  FROM field JOIN pg_type AS type ON type.oid = atttypid, LATERAL (VALUES
    ('STATISTICS ' || CASE WHEN attstattarget >= 0 THEN attstattarget END),
    ('(' || array_to_string(attoptions, ', ') || ')'),
    ('COMPRESSION ' || CASE attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END),
    ('STORAGE ' || CASE WHEN attstorage <> typstorage THEN CASE attstorage WHEN 'p' THEN 'PLAIN'
      WHEN 'e' THEN 'EXTERNAL' WHEN 'x' THEN 'EXTENDED' ELSE 'MAIN' END END)
  ) AS settings (setting)
  WHERE setting IS NOT NULL AND kind <> 'VIEW'
    AND (kind <> 'INDEX' OR setting LIKE 'STAT%') AND NOT without && ARRAY['settings',
      attname || CASE WHEN setting LIKE 'STOR%' THEN ' storage' ELSE ' settings' END]
  UNION ALL
  SELECT 4, format('ALTER STATISTICS %s SET STATISTICS %s', name, stxstattarget)
  FROM object JOIN pg_statistic_ext ON (tableoid, oid) = (class, id)
  WHERE stxstattarget >= 0 AND NOT 'settings' = ANY (without)
  UNION ALL
  SELECT 5, format('ALTER TABLE %s %s %s %I', relation::regclass,
    CASE state WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END,
    kind, part)
  FROM object JOIN (
    SELECT tableoid, oid, tgrelid, tgenabled FROM pg_trigger
    UNION ALL SELECT tableoid, oid, ev_class, ev_enabled FROM pg_rewrite
  ) AS event (catalog, oid, relation, state) ON (catalog, oid) = (class, id)
  WHERE state <> 'O' AND NOT 'enabled' = ANY (without)
  UNION ALL
  SELECT 5, format('ALTER TABLE %s %s %I', indrelid::regclass, mark, relname)
  FROM object LEFT JOIN pg_constraint AS c ON (c.tableoid, c.oid) = (class, id) AND contype <> 'f'
  JOIN pg_index ON indexrelid = CASE kind WHEN 'INDEX' THEN id ELSE conindid END
  JOIN pg_class AS i ON i.oid = indexrelid, LATERAL (
    SELECT 'CLUSTER ON' WHERE indisclustered
    UNION ALL SELECT 'REPLICA IDENTITY USING INDEX' WHERE indisreplident
  ) AS marks (mark)
  WHERE kind IN ('INDEX', 'CONSTRAINT') AND NOT 'marks' = ANY (without)
)
SELECT set_config('{0}', coalesce(string_agg(statement, '; ' ORDER BY place), ''), false)
FROM kept"""
RESTORED: Final = "DO $$ BEGIN EXECUTE coalesce(current_setting('{0}', true), ''); END $$"


@dataclass(frozen=True, slots=True)
class Entry:
    """An object to remember: VIEW public.v, or TRIGGER audit of table public.t.

    Attributes:
        kind: What COMMENT ON and ALTER call it; COLUMN is a column that is created again without
            its table.
        name: Its qualified name, or that of its table.
        part: The name of a column, trigger, rule, policy or constraint of `name`, not quoted.
        without: What the revision itself changes: "owner", "comment", "options", "settings",
            "enabled", "marks"; of column n "n comment", "n settings", "n storage"; "n" for a
            column that is gone.

    """

    kind: str
    name: str
    part: str = ""
    without: tuple[str, ...] = ()

    @property
    def row(self) -> str:
        """The row of VALUES, as SQL."""
        return f"({', '.join(map(literal, (self.kind, self.name, self.part, self._array)))})"

    @property
    def _array(self) -> str:
        return "{" + ", ".join(map(_element, self.without)) + "}"


def _element(text: str) -> str:
    """Return an element of an array; words with blanks between them need no quotes."""
    if all(word.isidentifier() for word in text.split(" ")) and text.lower() != "null":
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True, slots=True)
class Remember:
    """A query that keeps, in a setting, statements that restore what a database has of objects."""

    verb: ClassVar[str] = "alter"
    setting: str
    rows: tuple[str, ...]
    address: Address

    @property
    def sql(self) -> str:
        """The statement, without a semicolon."""
        return QUERY.format(self.setting, ",\n  ".join(self.rows))


@dataclass(frozen=True, slots=True)
class Restore:
    """A statement that executes what `Remember` has kept in a setting."""

    verb: ClassVar[str] = "alter"
    setting: str
    address: Address

    @property
    def sql(self) -> str:
        """The statement, without a semicolon."""
        return RESTORED.format(self.setting)
