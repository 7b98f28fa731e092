"""The parts a catalog falls into, finer than its objects, and what each part needs.

A default, a NOT NULL, an identity, a partition's attachment, an inheritance and the ownership of
a sequence have an address of their own here: each of them can be created, dropped and depended on
without its column or table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.grants import Grant
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Domain
from limbeck.schema.diff import sql
from limbeck.schema.diff.needs import add_recorded, granted_on, structure
from limbeck.schema.diff.part import (
    Attachment,
    DomainRule,
    Generator,
    Inheritance,
    Part,
    Required,
    split,
)


@dataclass(frozen=True, slots=True)
class Parts:
    """All parts of one catalog; `needs` and `users` are the two directions of one relation.

    `named` maps a schema and the name of a constraint to the tables and domains that have one.
    """

    catalog: Catalog
    found: Mapping[Address, Part]
    needs: Mapping[Address, frozenset[Address]]
    users: Mapping[Address, frozenset[Address]]
    children: Mapping[Address, tuple[Address, ...]]
    named: Mapping[tuple[str, str], frozenset[str]]

    def __getitem__(self, address: Address) -> Part:
        return self.found[address]

    def parents(self, table: Address) -> list[Address]:
        """Return the tables that a table is a partition of or inherits from, in order."""
        found = self.catalog.objects.get(table)
        if not isinstance(found, Table):
            return []
        return [found.partition_of] if found.partition_of else list(found.inherits)

    def of_table(self, table: Address) -> list[Address]:
        """Return what belongs to a table: its columns, what belongs to those, its indexes."""
        own = [one for one in self.users[table] if one[1:3] == table[1:3] or one.kind == "index"]
        of_columns = (
            address
            for one in own
            if one.kind == "column"
            for kind in ("default", "not_null", "identity")
            if (address := one._replace(kind=kind)) in self.found
        )
        return [*own, *of_columns]

    def __contains__(self, address: object) -> bool:
        return address in self.found


def of(catalog: Catalog) -> Parts:
    """Take a catalog apart."""
    found = {address: part for item in catalog.objects.values() for address, part in split(item)}
    needs: dict[Address, set[Address]] = defaultdict(set)
    counters = _counters(found)
    for address, part in found.items():
        needs[address].update(structure(part, found))
        if isinstance(part, Grant):
            needs[address].update(granted_on(part.target, found))
            needs[address].update(counters.get(part.target, ()))
    for user, used in catalog.depends.items():
        add_recorded(user, used, catalog, found, needs)
    users: dict[Address, set[Address]] = defaultdict(set)
    for user, wanted in needs.items():
        wanted.discard(user)
        for one in wanted:
            users[one].add(user)
    tree, named = _children(found), _named(found)
    return Parts(catalog, found, _frozen(needs), _frozen(users), tree, named)


def _counters(found: Mapping[Address, Part]) -> Mapping[Address, tuple[Address]]:
    """Return the identities by their sequences, which may be granted on."""
    return {
        Address("sequence", *sql.unquoted(part.identity.sequence)): (address,)
        for address, part in found.items()
        if isinstance(part, Generator)
    }


def _frozen(
    relation: Mapping[Address, Iterable[Address]],
) -> Mapping[Address, frozenset[Address]]:
    return defaultdict(frozenset, {key: frozenset(value) for key, value in relation.items()})


def _children(found: Mapping[Address, Part]) -> Mapping[Address, tuple[Address, ...]]:
    children: dict[Address, list[Address]] = defaultdict(list)
    for part in found.values():
        if isinstance(part, Attachment | Inheritance):
            children[part.parent].append(part.table.address)
    return defaultdict(tuple, {key: tuple(value) for key, value in children.items()})


def _named(found: Mapping[Address, Part]) -> Mapping[tuple[str, str], frozenset[str]]:
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for address, part in found.items():
        if isinstance(part, Constraint | DomainRule):
            named[address.schema, address.part].add(address.name)
        elif isinstance(part, Required) and part.constraint.name:
            named[address.schema, part.constraint.name].add(address.name)
        elif isinstance(part, Domain) and part.not_null_name:
            named[address.schema, part.not_null_name].add(address.name)
    return defaultdict(frozenset, {key: frozenset(value) for key, value in named.items()})
