"""Types: enumerated, domains, composite and ranges; and collations."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.objects.types import (
    Attribute,
    Collation,
    Composite,
    Domain,
    Enum,
    Range,
)
from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.arrays import settled
from limbeck.schema.catalog.queries.building import SPACES, Found, not_member

ENUMS: Final = f"""
SELECT t.oid, t.typnamespace, t.typname, e.labels
FROM pg_type t LEFT JOIN (
  SELECT enumtypid, array_agg(enumlabel::text ORDER BY enumsortorder) AS labels
  FROM pg_enum GROUP BY enumtypid) e ON e.enumtypid = t.oid
WHERE t.typtype = 'e' AND t.typnamespace = ANY {SPACES} AND {not_member(classes.TYPE, "t.oid")}
"""

DOMAINS: Final = f"""
SELECT t.oid, t.typnamespace, t.typname, format_type(t.typbasetype, t.typtypmod),
  CASE WHEN t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END,
  coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault), t.typnotnull
FROM pg_type t JOIN pg_type b ON b.oid = t.typbasetype
WHERE t.typtype = 'd' AND t.typnamespace = ANY {SPACES} AND {not_member(classes.TYPE, "t.oid")}
"""

COMPOSITES: Final = f"""
SELECT t.oid, t.typnamespace, t.typname, t.typrelid
FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
WHERE t.typnamespace = ANY {SPACES} AND {not_member(classes.TYPE, "t.oid")}
"""

RANGES: Final = f"""
SELECT t.oid, t.typnamespace, t.typname, format_type(r.rngsubtype, NULL),
  CASE WHEN NOT o.opcdefault THEN format('%I.%I', n.nspname, o.opcname) END,
  CASE WHEN r.rngcollation <> s.typcollation THEN r.rngcollation::regcollation::text END,
  nullif(r.rngcanonical::oid, 0)::regproc::text, nullif(r.rngsubdiff::oid, 0)::regproc::text,
  format_type(r.rngmultitypid, NULL)
FROM pg_range r
JOIN pg_type t ON t.oid = r.rngtypid
JOIN pg_type s ON s.oid = r.rngsubtype
JOIN pg_opclass o ON o.oid = r.rngsubopc JOIN pg_namespace n ON n.oid = o.opcnamespace
WHERE t.typnamespace = ANY {SPACES} AND {not_member(classes.TYPE, "t.oid")}
"""

COLLATIONS: Final = f"""
SELECT c.oid, c.collnamespace, c.collname,
  CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
  c.collisdeterministic, coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale',
    CASE WHEN c.collprovider = 'i' THEN c.collcollate END),
  CASE WHEN c.collprovider <> 'i' THEN c.collcollate END,
  CASE WHEN c.collprovider <> 'i' THEN c.collctype END,
  to_jsonb(c) ->> 'collicurules'
FROM pg_collation c
WHERE c.collnamespace = ANY {SPACES} AND {not_member(classes.COLLATION, "c.oid")}
"""


def build(found: Found) -> None:
    """Keep the types and collations."""
    _enums(found)
    _domains(found)
    _composites(found)
    _ranges(found)
    _collations(found)


def _enums(found: Found) -> None:
    for oid, space, name, labels in found.rows["enums"]:
        if schema := found.schemas.get(space):
            comment = found.comment(classes.TYPE, oid)
            enum = Enum(schema=schema, name=name, labels=tuple(labels or ()), comment=comment)
            found.add(classes.TYPE, oid, enum)


def _domains(found: Found) -> None:
    for oid, space, name, base, collation, default, not_null in found.rows["domains"]:
        if schema := found.schemas.get(space):
            checks = found.domain_checks.get(oid, ())
            domain = Domain(
                schema=schema,
                name=name,
                type=base,
                collation=collation,
                default=settled(default),
                not_null=not_null,
                not_null_name=found.domain_not_nulls.get(oid),
                checks=tuple(sorted(checks, key=lambda check: check.name)),
                comment=found.comment(classes.TYPE, oid),
            )
            found.add(classes.TYPE, oid, domain)


def _composites(found: Found) -> None:
    fields: dict[int, list[Attribute]] = {}
    relations = {row[3] for row in found.rows["composites"]}
    for relation, number, name, type_, _, _, _, collation, *_ in found.rows["columns"]:
        if relation in relations:
            comment = found.comment(classes.RELATION, relation, number)
            attribute = Attribute(name=name, type=type_, collation=collation, comment=comment)
            fields.setdefault(relation, []).append(attribute)
    for oid, space, name, relation in found.rows["composites"]:
        if schema := found.schemas.get(space):
            attributes = tuple(fields.get(relation, ()))
            comment = found.comment(classes.TYPE, oid)
            composite = Composite(schema=schema, name=name, attributes=attributes, comment=comment)
            found.add(classes.TYPE, oid, composite)


def _ranges(found: Found) -> None:
    for oid, space, name, subtype, operators, collation, canonical, diff, multirange in found.rows[
        "ranges"
    ]:
        if schema := found.schemas.get(space):
            range_ = Range(
                schema=schema,
                name=name,
                subtype=subtype,
                subtype_opclass=operators,
                collation=collation,
                canonical=canonical,
                subtype_diff=diff,
                multirange=multirange,
                comment=found.comment(classes.TYPE, oid),
            )
            found.add(classes.TYPE, oid, range_)


def _collations(found: Found) -> None:
    for oid, space, name, provider, deterministic, locale, collate, ctype, rules in found.rows[
        "collations"
    ]:
        if schema := found.schemas.get(space):
            collation = Collation(
                schema=schema,
                name=name,
                provider=provider,
                deterministic=deterministic,
                locale=locale,
                lc_collate=collate,
                lc_ctype=ctype,
                rules=rules,
                comment=found.comment(classes.COLLATION, oid),
            )
            found.add(classes.COLLATION, oid, collation)
