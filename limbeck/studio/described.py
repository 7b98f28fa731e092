"""A table with everything that a catalog has about it: what its page shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Final, TypeVar

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.grants import Grant
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Policy, Trigger

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Described:
    """A table, its parts, and the foreign keys of other tables that refer to it."""

    table: Table
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    policies: tuple[Policy, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    grants: tuple[Grant, ...] = ()
    referrers: tuple[Constraint, ...] = ()
    partitions: tuple[Table, ...] = ()

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the primary key."""
        return next((each.columns for each in self.constraints if each.type == "p"), ())


def tables(catalog: Catalog) -> tuple[Table, ...]:
    """Return the tables of a catalog; a partitioned table stands for its partitions."""
    return tuple(each for each in catalog.of(Table) if each.partition_of is None)


def described(catalog: Catalog) -> Iterator[Described]:
    """Yield each table of a catalog, in one pass over its objects."""
    parts = _Parts(catalog)
    yield from (parts.of(table) for table in tables(catalog))


def table(catalog: Catalog, schema: str, name: str) -> Described | None:
    """Return one table, or None where there is none of that name."""
    owner = catalog.objects.get(Address("table", schema, name))
    return _Parts(catalog).of(owner) if isinstance(owner, Table) else None


class _Parts:
    """The parts of all tables of a catalog, by the address of their table."""

    def __init__(self, catalog: Catalog) -> None:
        self._columns: Final = _grouped(catalog.of(Column), _owner)
        self._constraints: Final = _grouped(catalog.of(Constraint), _owner)
        self._indexes: Final = _grouped(catalog.of(Index), attrgetter("table"))
        self._policies: Final = _grouped(catalog.of(Policy), _owner)
        self._triggers: Final = _grouped(catalog.of(Trigger), _owner)
        self._grants: Final = _grouped(catalog.of(Grant), _granted)
        self._referrers: Final = _grouped(catalog.of(Constraint), _target)
        self._partitions: Final = _grouped(catalog.of(Table), attrgetter("partition_of"))

    def of(self, table: Table) -> Described:
        """Return one table with its parts."""
        address = table.address
        return Described(
            table,
            columns=tuple(sorted(self._columns.get(address, ()), key=attrgetter("position"))),
            constraints=tuple(self._constraints.get(address, ())),
            indexes=tuple(self._indexes.get(address, ())),
            policies=tuple(self._policies.get(address, ())),
            triggers=tuple(self._triggers.get(address, ())),
            grants=tuple(self._grants.get(address, ())),
            referrers=tuple(self._referrers.get(address, ())),
            partitions=tuple(self._partitions.get(address, ())),
        )


def _grouped(
    parts: Iterable[Part], owner: Callable[[Part], Address | None]
) -> dict[Address | None, list[Part]]:
    groups: dict[Address | None, list[Part]] = {}
    for part in parts:
        groups.setdefault(owner(part), []).append(part)
    return groups


def _owner(part: Column | Constraint | Policy | Trigger) -> Address:
    return Address("table", part.schema, part.table)


def _target(key: Constraint) -> Address | None:
    return key.reference.table if key.reference else None


def _granted(grant: Grant) -> Address | None:
    of_table = grant.target.kind in {"table", "column"}
    return Address("table", grant.target.schema, grant.target.name) if of_table else None
