"""Types: enumerated, domains, composite and ranges; and collations."""

from __future__ import annotations

from limbeck.schema.catalog.builders.arrays import settled
from limbeck.schema.catalog.builders.reading import Reading
from limbeck.schema.catalog.objects.types import (
    Attribute,
    Collation,
    Composite,
    Domain,
    Enum,
    Range,
)
from limbeck.schema.catalog.queries import classes


def build(reading: Reading) -> None:
    """Add the types and collations."""
    _enums(reading)
    _domains(reading)
    _composites(reading)
    _ranges(reading)
    _collations(reading)


def _enums(reading: Reading) -> None:
    for oid, space, name, labels in reading.rows["enums"]:
        if schema := reading.schemas.get(space):
            comment = reading.comment(classes.TYPE, oid)
            enum = Enum(schema=schema, name=name, labels=tuple(labels or ()), comment=comment)
            reading.add(classes.TYPE, oid, enum)


def _domains(reading: Reading) -> None:
    for oid, space, name, base, collation, default, not_null in reading.rows["domains"]:
        if schema := reading.schemas.get(space):
            checks = reading.domain_checks.get(oid, ())
            domain = Domain(
                schema=schema,
                name=name,
                type=base,
                collation=collation,
                default=settled(default),
                not_null=not_null,
                not_null_name=reading.domain_not_nulls.get(oid),
                checks=tuple(sorted(checks, key=lambda check: check.name)),
                comment=reading.comment(classes.TYPE, oid),
            )
            reading.add(classes.TYPE, oid, domain)


def _composites(reading: Reading) -> None:
    fields: dict[int, list[Attribute]] = {}
    relations = {row[3] for row in reading.rows["composites"]}
    for relation, number, name, type_, _, _, _, collation, *_ in reading.rows["columns"]:
        if relation in relations:
            comment = reading.comment(classes.RELATION, relation, number)
            attribute = Attribute(name=name, type=type_, collation=collation, comment=comment)
            fields.setdefault(relation, []).append(attribute)
    for oid, space, name, relation in reading.rows["composites"]:
        if schema := reading.schemas.get(space):
            attributes = tuple(fields.get(relation, ()))
            comment = reading.comment(classes.TYPE, oid)
            composite = Composite(schema=schema, name=name, attributes=attributes, comment=comment)
            reading.add(classes.TYPE, oid, composite)


def _ranges(reading: Reading) -> None:
    for (
        oid,
        space,
        name,
        subtype,
        operators,
        collation,
        canonical,
        diff,
        multirange,
    ) in reading.rows["ranges"]:
        if schema := reading.schemas.get(space):
            range_ = Range(
                schema=schema,
                name=name,
                subtype=subtype,
                subtype_opclass=operators,
                collation=collation,
                canonical=canonical,
                subtype_diff=diff,
                multirange=multirange,
                comment=reading.comment(classes.TYPE, oid),
            )
            reading.add(classes.TYPE, oid, range_)


def _collations(reading: Reading) -> None:
    for oid, space, name, provider, deterministic, locale, collate, ctype, rules in reading.rows[
        "collations"
    ]:
        if schema := reading.schemas.get(space):
            collation = Collation(
                schema=schema,
                name=name,
                provider=provider,
                deterministic=deterministic,
                locale=locale,
                lc_collate=collate,
                lc_ctype=ctype,
                rules=rules,
                comment=reading.comment(classes.COLLATION, oid),
            )
            reading.add(classes.COLLATION, oid, collation)
