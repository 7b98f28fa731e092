"""A catalog as parts, with the relations between them that order the statements of a diff."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.grants import Grant
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Domain
from limbeck.schema.diff.needs import add_recorded, granted_on, structure
from limbeck.schema.diff.part import (
    Attachment,
    Generator,
    Inheritance,
    Part,
    split,
)
from limbeck.schema.diff.slicing import whole
from limbeck.schema.sql.quoting import schema_and_name


@dataclass(frozen=True, slots=True)
class Parts:
    """All parts of one catalog.

    Attributes:
        catalog: The catalog that the parts come from.
        by_address: The parts.
        needs: The parts that a part depends on.
        users: The parts that depend on a part; the other direction of `needs`.
        children: The partitions and inheriting tables of a table.
        explicit: The keys and indexes that are attached to their parents' by name: see `rivals`.

    """

    catalog: Catalog
    by_address: Mapping[Address, Part]
    needs: Mapping[Address, frozenset[Address]]
    users: Mapping[Address, frozenset[Address]]
    children: Mapping[Address, tuple[Address, ...]]
    explicit: frozenset[Address] = frozenset()

    def __getitem__(self, address: Address) -> Part:
        return self.by_address[address]

    def __contains__(self, address: object) -> bool:
        return address in self.by_address

    def get(self, address: Address) -> Part | None:
        """Return the part at an address; None if there is none."""
        return self.by_address.get(address)

    @property
    def named(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """The tables and domains by the schemas and names of their constraints.

        They are those of the whole catalog, if this is a slice of one.
        """
        return _named(whole(self.catalog))

    def parents(self, table: Address) -> list[Address]:
        """Return the tables that a table is a partition of or inherits from, in order."""
        item = self.catalog.objects.get(table)
        if not isinstance(item, Table):
            return []
        return [item.partition_of] if item.partition_of else list(item.inherits)

    def of_table(self, table: Address) -> list[Address]:
        """Return the parts of a table: columns with their parts, constraints, indexes ..."""
        own = [
            user for user in self.users[table] if user[1:3] == table[1:3] or user.kind == "index"
        ]
        of_columns = (
            address
            for column in own
            if column.kind == "column"
            for kind in ("default", "not_null", "identity")
            if (address := column._replace(kind=kind)) in self
        )
        return [*own, *of_columns]


def of(catalog: Catalog) -> Parts:
    """Split a catalog into parts, and relate them; for each catalog this is done once."""
    if "parts" not in catalog.derived:
        catalog.derived["parts"] = _of(catalog)
    parts: Parts = catalog.derived["parts"]
    return parts


def _of(catalog: Catalog) -> Parts:
    parts = {address: part for item in catalog.objects.values() for address, part in split(item)}
    needs: dict[Address, set[Address]] = defaultdict(set)
    counters = _counters(parts)
    for address, part in parts.items():
        needs[address].update(structure(part, parts))
        if isinstance(part, Grant):
            needs[address].update(granted_on(part.target, parts))
            needs[address].update(counters.get(part.target, ()))
    for user, used in catalog.depends.items():
        add_recorded(user, used, catalog, parts, needs)
    users: dict[Address, set[Address]] = defaultdict(set)
    for user, wanted in needs.items():
        wanted.discard(user)
        for address in wanted:
            users[address].add(user)
    return Parts(catalog, parts, _frozen(needs), _frozen(users), _children(parts))


def _counters(parts: Mapping[Address, Part]) -> Mapping[Address, tuple[Address]]:
    """Return the identities by their sequences, which privileges may be granted on."""
    return {
        Address("sequence", *schema_and_name(part.identity.sequence)): (address,)
        for address, part in parts.items()
        if isinstance(part, Generator)
    }


def _frozen(
    relation: Mapping[Address, Iterable[Address]],
) -> Mapping[Address, frozenset[Address]]:
    return defaultdict(frozenset, {key: frozenset(value) for key, value in relation.items()})


def _children(parts: Mapping[Address, Part]) -> Mapping[Address, tuple[Address, ...]]:
    children: dict[Address, list[Address]] = defaultdict(list)
    for part in parts.values():
        if isinstance(part, Attachment | Inheritance):
            children[part.parent].append(part.table.address)
    return defaultdict(tuple, {key: tuple(value) for key, value in children.items()})


def _named(catalog: Catalog) -> Mapping[tuple[str, str], frozenset[str]]:
    """Return the tables and domains by their constraints; for each catalog this is done once."""
    if "named" not in catalog.derived:
        named: dict[tuple[str, str], set[str]] = defaultdict(set)
        for item in catalog.objects.values():
            for address, name in _names(item):
                named[address.schema, name].add(address.name)
        catalog.derived["named"] = defaultdict(
            frozenset, {key: frozenset(value) for key, value in named.items()}
        )
    owners: Mapping[tuple[str, str], frozenset[str]] = catalog.derived["named"]
    return owners


def _names(item: Object) -> Iterator[tuple[Address, str]]:
    """Yield the names of the constraints that an object is or has."""
    if isinstance(item, Constraint):
        yield item.address, item.name
    elif isinstance(item, Column) and item.not_null and item.not_null.name:
        yield item.address, item.not_null.name
    elif isinstance(item, Domain):
        yield from ((item.address, check.name) for check in item.checks)
        if item.not_null_name:
            yield item.address, item.not_null_name
