"""The queries behind the facts: of all objects, or of those of some relations."""

from __future__ import annotations

from typing import Any, Final

from limbeck.dataclass import dataclass
from limbeck.lint.trace.facts import Column, Constraint, Index, Named, Relation, Trigger, Type
from limbeck.schema.sql import own_schemas

_OWN: Final = own_schemas.of_users("n.nspname")


@dataclass(frozen=True, slots=True)
class Part:
    """A query for one class of facts.

    `of` is the condition for the objects of the relations `{oids}`, None where no relation has
    such objects. `kind` is that of `Named` objects.
    """

    facts: str
    row: type[Any]
    sql: str
    of: str | None = None
    kind: str = ""

    def of_all(self) -> str:
        """Return the query for all objects."""
        return self.sql

    def of_relations(self, oids: str) -> str:
        """Return the query for the objects of relations, an array of oids in SQL."""
        return f"{self.sql} AND {self.of}".replace("{oids}", oids) if self.of else self.sql


OF_RELATIONS: Final = (
    Part(
        "relations",
        Relation,
        f"""SELECT c.oid::bigint, n.nspname, c.relname, c.relkind::text, c.relfilenode::bigint,
            c.relpersistence::text, c.reltablespace::bigint, c.relam::bigint, c.relowner::bigint,
            (SELECT inhparent::bigint FROM pg_inherits
              WHERE inhrelid = c.oid AND c.relispartition),
            c.relrowsecurity, c.relreplident::text
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {_OWN}""",
        """c.oid = ANY (ARRAY(SELECT unnest({oids}) UNION ALL
            SELECT indexrelid FROM pg_index WHERE indrelid = ANY ({oids})))""",
    ),
    Part(
        "columns",
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
        """a.attrelid = ANY ({oids})""",
    ),
    Part(
        "constraints",
        Constraint,
        f"""SELECT k.oid::bigint, k.conname, k.conrelid::bigint, k.contypid::bigint,
            k.contype::text, k.convalidated, k.confrelid::bigint, k.conindid::bigint,
            coalesce(k.conkey::int[], '{{}}'), pg_get_constraintdef(k.oid), k.conparentid::bigint
        FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
        WHERE k.contype <> 't' AND {_OWN}""",
        """(k.conrelid = ANY ({oids}) OR k.contypid > 0)""",
    ),
    Part(
        "indexes",
        Index,
        f"""SELECT i.indexrelid::bigint, i.indrelid::bigint, i.indisunique, i.indisprimary,
            i.indisvalid, string_to_array(i.indkey::text, ' ')::int[]
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OWN}""",
        """(i.indrelid = ANY ({oids}) OR i.indexrelid = ANY ({oids}))""",
    ),
    Part(
        "triggers",
        Trigger,
        """SELECT oid::bigint, tgname, tgrelid::bigint, tgenabled::text
        FROM pg_trigger WHERE NOT tgisinternal""",
        """tgrelid = ANY ({oids})""",
    ),
    Part(
        "others",
        Named,
        """SELECT oid::bigint, 'policy', polname, polrelid::bigint, '' FROM pg_policy
        WHERE true""",
        """polrelid = ANY ({oids})""",
        kind="policy",
    ),
    Part(
        "others",
        Named,
        f"""SELECT r.oid::bigint, 'rule', r.rulename, r.ev_class::bigint, ''
        FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN' AND {_OWN}""",
        """r.ev_class = ANY ({oids})""",
        kind="rule",
    ),
)
"""What belongs to relations."""

TYPES: Final = Part(
    "types",
    Type,
    f"""SELECT t.oid::bigint, n.nspname, t.typname, t.typtype::text, t.typnotnull,
            coalesce((SELECT array_agg(ARRAY[e.oid::text, e.enumlabel::text]
                ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid), '{{}}')
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE t.typtype IN ('e', 'd') AND {_OWN}""",
)
FUNCTIONS: Final = Part(
    "others",
    Named,
    f"""SELECT p.oid::bigint, 'function', n.nspname || '.' || p.proname, 0,
        md5(concat_ws('|', p.prosrc, pg_get_function_sqlbody(p.oid), p.proisstrict, p.proconfig))
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_OWN}""",
    kind="function",
)
PUBLISHED: Final = Part(
    "others",
    Named,
    """SELECT 0, 'published', p.pubname, relid::bigint, ''
        FROM pg_publication p, pg_get_publication_tables(p.pubname) AS published
        WHERE p.pubupdate OR p.pubdelete""",
    kind="published",
)
SCHEMAS: Final = Part(
    "others",
    Named,
    f"""SELECT n.oid::bigint, 'schema', n.nspname, 0::bigint, '' FROM pg_namespace n
        WHERE {_OWN}""",
    kind="schema",
)
EXTENSIONS: Final = Part(
    "others",
    Named,
    """SELECT oid::bigint, 'extension', extname, 0, extversion FROM pg_extension""",
    kind="extension",
)
ALL: Final = (*OF_RELATIONS, TYPES, FUNCTIONS, PUBLISHED, SCHEMAS, EXTENSIONS)
