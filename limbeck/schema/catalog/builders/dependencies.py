"""What depends on what: pg_depend between the objects of the catalog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from limbeck.schema.catalog.builders.reading import Key, Place, Reading
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.pipeline import Row
from limbeck.schema.catalog.queries import classes

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


class Edges(Mapping[Address, frozenset[Address]]):
    """What each object depends on; members of an extension count as the extension.

    The edges are resolved at the first use: there are more of them than objects, and a schema of
    tables alone, or one in which nothing differs, needs none.
    """

    def __init__(self, reading: Reading) -> None:
        self._rows = reading.rows["dependencies"]
        self._addresses = reading.addresses

    def __getitem__(self, address: Address) -> frozenset[Address]:
        """Return what an object depends on."""
        return self._all[address]

    def __iter__(self) -> Iterator[Address]:
        """Yield what depends on something."""
        return iter(self._all)

    def __len__(self) -> int:
        """Count what depends on something."""
        return len(self._all)

    @cached_property
    def _all(self) -> dict[Address, frozenset[Address]]:
        edges = _edges(self._rows, self._addresses)
        del self._rows, self._addresses
        return edges


def _edges(
    rows: Sequence[Row], addresses: Mapping[Key, Address]
) -> dict[Address, frozenset[Address]]:
    members, owners = _ownership(rows)
    known = _Known(addresses, members, owners)
    result: dict[Address, set[Address]] = defaultdict(set)
    for class_, oid, part, to_class, to_oid, to_part, _ in rows:
        source, target = known[class_, oid, part], known[to_class, to_oid, to_part]
        if source is None or target is None or source == target or (class_, oid) in members:
            continue
        if target.kind == "column":
            table = Address("table", target.schema, target.name)
            if table == source:
                continue
            result[source].add(table)
        result[source].add(target)
    return {source: frozenset(targets) for source, targets in result.items()}


class _Known(dict[Key, Address | None]):
    """Objects by what pg_depend calls them; what is none itself stands for what it is part of."""

    def __init__(
        self,
        addresses: Mapping[Key, Address],
        members: Mapping[Place, int],
        owners: Mapping[Place, Key],
    ) -> None:
        super().__init__(addresses)
        self._members, self._owners = members, owners

    def __missing__(self, key: Key) -> Address | None:
        address = self[key] = self._resolved(key)
        return address

    def _resolved(self, key: Key) -> Address | None:
        """Return the object that something is or is a part of: a row type is its table."""
        seen: set[Key] = set()
        while key not in seen:
            seen.add(key)
            class_, oid, _ = key
            address = self.get(key) or self.get((class_, oid, 0))
            if address:
                return address
            if (class_, oid) in self._members:
                return self.get((classes.EXTENSION, self._members[class_, oid], 0))
            key = self._owners.get((class_, oid), key)
        return None


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
