"""What depends on what: pg_depend between the objects that were found."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from limbeck.catalog.objects import Address
from limbeck.catalog.queries import classes
from limbeck.catalog.queries.found import Found, Key, Place

DEPENDENCIES: Final = f"""
SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype::text
FROM pg_depend
WHERE objid >= {classes.FIRST_USER_OID}
  AND (refobjid >= {classes.FIRST_USER_OID} OR refclassid = {classes.NAMESPACE})
"""

# Entries of operator families and publications are parts of them, though "auto", not "internal".
PARTS: Final = frozenset(
    {
        classes.ACCESS_OPERATOR,
        classes.ACCESS_PROCEDURE,
        classes.PUBLICATION_RELATION,
        classes.PUBLICATION_NAMESPACE,
    }
)
WHOLES: Final = frozenset({classes.OPERATOR_CLASS, classes.OPERATOR_FAMILY, classes.PUBLICATION})


def edges(found: Found) -> dict[Address, frozenset[Address]]:
    """Return what each object depends on; members of an extension count as the extension."""
    members, owners = _ownership(found)
    resolved: dict[Key, Address | None] = {}

    def resolve(key: Key) -> Address | None:
        if key not in resolved:
            resolved[key] = _resolve(key, found, members, owners)
        return resolved[key]

    result: dict[Address, set[Address]] = defaultdict(set)
    for class_, oid, part, to_class, to_oid, to_part, _ in found.rows["dependencies"]:
        if (class_, oid) in members:
            continue
        source = resolve((class_, oid, part))
        target = resolve((to_class, to_oid, to_part)) if source else None
        if source is None or target is None or target == source:
            continue
        _connect(result, source, target)
    return {source: frozenset(targets) for source, targets in result.items()}


def _connect(edges: dict[Address, set[Address]], source: Address, target: Address) -> None:
    if target.kind == "column":
        table = Address("table", target.schema, target.name)
        if source == table:
            return
        edges[source].add(table)
    edges[source].add(target)


def _ownership(found: Found) -> tuple[dict[Place, int], dict[Place, Key]]:
    """Return the extension of each member, and what internal things are a part of."""
    members: dict[Place, int] = {}
    owners: dict[Place, Key] = {}
    for class_, oid, part, to_class, to_oid, to_part, kind in found.rows["dependencies"]:
        if kind == "e":
            members[class_, oid] = to_oid
        elif (kind == "i" and part == 0) or (class_ in PARTS and to_class in WHOLES):
            owners[class_, oid] = (to_class, to_oid, to_part)
    return members, owners


def _resolve(
    key: Key, found: Found, members: dict[Place, int], owners: dict[Place, Key]
) -> Address | None:
    """Return the object that something is or is a part of: a row type is its table."""
    seen: set[Key] = set()
    while key not in seen:
        seen.add(key)
        class_, oid, _ = key
        address = found.addresses.get(key) or found.addresses.get((class_, oid, 0))
        if address:
            return address
        if (class_, oid) in members:
            return found.addresses.get((classes.EXTENSION, members[class_, oid], 0))
        key = owners.get((class_, oid), key)
    return None
