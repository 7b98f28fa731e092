"""Grants on objects and default privileges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from limbeck.schema.catalog.builders.reading import Reading
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.grants import DefaultGrant, Grant
from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.privileges import BUILT_IN, PUBLIC

KINDS: Final = {
    "r": "table",
    "S": "sequence",
    "f": "function",
    "T": "type",
    "n": "schema",
    "L": "large object",
}
_Privileges: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]


def build(reading: Reading) -> None:
    """Add the grants on the objects that were read, and the default privileges."""
    if not reading.filters.grants:
        return
    of_identities = dict(_of_identities(reading))
    for catalog, oid, number, acl in reading.rows["grants"]:
        target = _target(reading, catalog, oid, number)
        if target is None and catalog == classes.RELATION:
            target = of_identities.get(oid)
        if target is not None:
            built_in = BUILT_IN.get(target.kind, ())
            for grantee, (privileges, grantable) in _by_grantee(acl, built_in):
                grant = Grant(
                    target=target, grantee=grantee, privileges=privileges, grantable=grantable
                )
                reading.objects[grant.address] = grant
    for role, space, kind, acl in reading.rows["default grants"]:
        if space == 0 or space in reading.schemas:
            _build_default(reading, role, reading.schemas.get(space, ""), KINDS[kind], acl)


def _target(reading: Reading, catalog: int, oid: int, number: int) -> Address | None:
    """Return the object of a grant; a column of a view is not an object of its own."""
    relation = reading.relations.get(oid)
    if catalog == classes.RELATION and number and relation:
        return Address("column", relation.schema, relation.name, reading.columns[oid][number])
    return reading.addresses.get((catalog, oid, number))


def _of_identities(reading: Reading) -> Iterator[tuple[int, Address]]:
    """Yield the sequences of identity columns, which are not objects of their own."""
    for oid, space, name, _, _, table, _, internal, *_ in reading.rows["sequences"]:
        if internal and space in reading.schemas and table in reading.relations:
            yield oid, Address("sequence", reading.schemas[space], name)


def _by_grantee(
    acl: list[tuple[str, str, bool]], built_in: tuple[str, ...]
) -> Iterator[tuple[str, _Privileges]]:
    """Yield the grantees whose privileges differ from the built-in ones."""
    for grantee in sorted({PUBLIC, *(row[0] for row in acl)}):
        own = [row for row in acl if row[0] == grantee]
        privileges = tuple(sorted(row[1] for row in own))
        grantable = tuple(sorted(row[1] for row in own if row[2]))
        if privileges != (built_in if grantee == PUBLIC else ()):
            yield grantee, (privileges, grantable)


def _build_default(
    reading: Reading, role: str, schema: str, on: str, acl: list[tuple[str, str, bool]]
) -> None:
    built_in = {"function": ("EXECUTE",), "type": ("USAGE",)}.get(on, ())
    for grantee, (privileges, grantable) in _by_grantee(acl, () if schema else built_in):
        grant = DefaultGrant(
            role=role,
            schema=schema,
            on=on,
            grantee=grantee,
            privileges=privileges,
            grantable=grantable,
        )
        reading.objects[grant.address] = grant
