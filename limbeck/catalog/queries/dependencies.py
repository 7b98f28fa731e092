"""What depends on what: pg_depend between the objects that were found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from limbeck.catalog.objects import Address
from limbeck.catalog.queries import classes
from limbeck.catalog.queries.found import Found, Key, Place, Row

DEPENDENCIES: Final = f"""
SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype::text
FROM pg_depend
WHERE objid >= {classes.FIRST_USER_OID}
  AND (refobjid >= {classes.FIRST_USER_OID} OR refclassid = {classes.NAMESPACE})
  AND NOT (classid = {classes.TRIGGER} AND objid IN (
    SELECT oid FROM pg_trigger WHERE tgisinternal AND tgconstraint <> 0 AND tgconstrrelid <> 0))
  AND NOT (classid = {classes.CONSTRAINT} AND objid IN (
    SELECT oid FROM pg_constraint WHERE contype = 'n'))
"""
"""The triggers behind foreign keys and NOT NULLs, most of the rows, say nothing of their own."""

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
    rows = found.rows["dependencies"]
    members, owners = _ownership(rows)
    # What is no object itself stands for the object that it is a part of.
    keys = {key for row in rows for key in (row[:3], row[3:6])}
    known = {key: found.addresses.get(key) or _resolve(key, found, members, owners) for key in keys}
    homes = {to: Address("table", *to[1:3]) for to in known.values() if to and to.kind == "column"}
    result: dict[Address, set[Address]] = defaultdict(set)
    for row in rows:
        source, target = known[row[:3]], known[row[3:6]]
        if source is None or target is None or source == target or row[:2] in members:
            continue
        table = homes.get(target)
        if table is not None:
            if table == source:
                continue
            result[source].add(table)
        result[source].add(target)
    return {source: frozenset(targets) for source, targets in result.items()}


def _ownership(rows: Sequence[Row]) -> tuple[dict[Place, int], dict[Place, Key]]:
    """Return the extension of each member, and what internal things are a part of."""
    members: dict[Place, int] = {}
    owners: dict[Place, Key] = {}
    for class_, oid, part, to_class, to_oid, to_part, kind in rows:
        if kind == "e":
            members[class_, oid] = to_oid
        elif (kind == "i" and part == 0) or (class_ in PARTS and to_class in WHOLES):
            owners[class_, oid] = (to_class, to_oid, to_part)
        elif kind == "a" and (class_, to_class) == (classes.CONSTRAINT, classes.TYPE):
            # A check of a domain; those of tables are objects of their own.
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
