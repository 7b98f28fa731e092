"""Who may do what: grants on objects and default privileges, read only where a setting says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.grants import DefaultGrant, Grant
from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.building import SPACES, Found

PUBLIC: Final = "PUBLIC"
BUILT_IN: Final = {
    "function": ("EXECUTE",),
    **dict.fromkeys(("enum", "domain", "composite", "range"), ("USAGE",)),
}
"""What PUBLIC may do with a new object without being told, as acldefault() says."""

KINDS: Final = {"r": "table", "S": "sequence", "f": "function", "T": "type", "n": "schema"}
_Privileges: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]


def _listed(acl: str, owner: str) -> str:
    return f"""(SELECT coalesce(json_agg(json_build_array(
      CASE x.grantee WHEN 0 THEN '{PUBLIC}' ELSE pg_get_userbyid(x.grantee) END,
      x.privilege_type, x.is_grantable)), '[]')
    FROM aclexplode({acl}) AS x WHERE x.grantee <> {owner})"""


GRANTS: Final = f"""
SELECT {classes.RELATION}, oid, 0, {_listed("relacl", "relowner")} FROM pg_class
WHERE relacl IS NOT NULL AND relnamespace = ANY {SPACES}
UNION ALL
SELECT {classes.RELATION}, c.oid, a.attnum, {_listed("a.attacl", "c.relowner")}
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND c.relnamespace = ANY {SPACES}
UNION ALL
SELECT {classes.PROCEDURE}, oid, 0, {_listed("proacl", "proowner")} FROM pg_proc
WHERE proacl IS NOT NULL AND pronamespace = ANY {SPACES}
UNION ALL
SELECT {classes.TYPE}, oid, 0, {_listed("typacl", "typowner")} FROM pg_type
WHERE typacl IS NOT NULL AND typnamespace = ANY {SPACES}
UNION ALL
SELECT {classes.NAMESPACE}, oid, 0, {_listed("nspacl", "nspowner")} FROM pg_namespace
WHERE nspacl IS NOT NULL AND oid = ANY {SPACES}
UNION ALL
SELECT {classes.WRAPPER}, oid, 0, {_listed("fdwacl", "fdwowner")} FROM pg_foreign_data_wrapper
WHERE fdwacl IS NOT NULL
UNION ALL
SELECT {classes.SERVER}, oid, 0, {_listed("srvacl", "srvowner")} FROM pg_foreign_server
WHERE srvacl IS NOT NULL
"""

DEFAULT_GRANTS: Final = f"""
SELECT CASE WHEN d.defaclrole NOT IN (current_user::regrole,
    (SELECT datdba FROM pg_database WHERE datname = current_database()))
  THEN pg_get_userbyid(d.defaclrole)::text ELSE '' END,
  d.defaclnamespace, d.defaclobjtype::text, {_listed("d.defaclacl", "d.defaclrole")}
FROM pg_default_acl d
"""
"""The roles that migrate have another name on each server; what they make has none here."""


def build(found: Found) -> None:
    """Keep the grants on what was read, and the default privileges."""
    if not found.filters.grants:
        return
    of_identities = dict(_of_identities(found))
    for catalog, oid, number, acl in found.rows["grants"]:
        target = _target(found, catalog, oid, number)
        if target is None and catalog == classes.RELATION:
            target = of_identities.get(oid)
        if target is not None:
            built_in = BUILT_IN.get(target.kind, ())
            for grantee, (privileges, grantable) in _by_grantee(acl, built_in):
                grant = Grant(
                    target=target, grantee=grantee, privileges=privileges, grantable=grantable
                )
                found.objects[grant.address] = grant
    for role, space, kind, acl in found.rows["default grants"]:
        if space == 0 or space in found.schemas:
            _build_default(found, role, found.schemas.get(space, ""), KINDS[kind], acl)


def _target(found: Found, catalog: int, oid: int, number: int) -> Address | None:
    """Return what is granted on; the columns of views are no objects of their own."""
    relation = found.relations.get(oid)
    if catalog == classes.RELATION and number and relation:
        return Address("column", relation.schema, relation.name, found.columns[oid][number])
    return found.addresses.get((catalog, oid, number))


def _of_identities(found: Found) -> Iterator[tuple[int, Address]]:
    """Yield the sequences of identity columns, which are no objects of their own."""
    for oid, space, name, _, _, table, _, internal, *_ in found.rows["sequences"]:
        if internal and space in found.schemas and table in found.relations:
            yield oid, Address("sequence", found.schemas[space], name)


def _by_grantee(
    acl: list[tuple[str, str, bool]], built_in: tuple[str, ...]
) -> Iterator[tuple[str, _Privileges]]:
    """Yield what differs from what everybody has anyway."""
    for grantee in sorted({PUBLIC, *(row[0] for row in acl)}):
        own = [row for row in acl if row[0] == grantee]
        privileges = tuple(sorted(row[1] for row in own))
        grantable = tuple(sorted(row[1] for row in own if row[2]))
        if privileges != (built_in if grantee == PUBLIC else ()):
            yield grantee, (privileges, grantable)


def _build_default(
    found: Found, role: str, schema: str, on: str, acl: list[tuple[str, str, bool]]
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
        found.objects[grant.address] = grant
