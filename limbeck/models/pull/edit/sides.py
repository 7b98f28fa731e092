"""The working models and the live schema, named alike, and what differs between them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace

from limbeck.models.pull.edit.known import Pair, Working
from limbeck.models.pull.render.beside import Declaration, beside
from limbeck.models.pull.render.contents import Contents, contents
from limbeck.models.pull.render.models import Model, Models, models
from limbeck.models.pull.render.plain import plain
from limbeck.models.pull.render.relations import Relation, relations
from limbeck.models.pull.render.split import early, late_parts
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Enum


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides, and the tables that are new or have changed."""

    known: Working
    before: Models
    after: Models
    relations: Mapping[Address, list[Relation]]
    declarations: tuple[Declaration, ...]
    new: frozenset[Address]
    changed: frozenset[Address]

    @classmethod
    def of(cls, known: Working, before: Catalog, live: Catalog) -> Sides:
        """Name both sides alike: as the working models do, and else as pull would.

        Args:
            known: the working models.
            before: what they make.
            live: the live schema.

        """
        mapped = {
            address
            for address in known.tables
            if _is_part(before.objects.get(address)) and _is_part(live.objects.get(address))
        }
        old_tables, new_tables = _plain(before, mapped), _plain(live, mapped)
        old, new = (
            models(
                catalog,
                found,
                convention=known.convention,
                implied=known.implied,
                known=known.tables,
                known_enums=known.enums,
                style=known.style,
            )
            for catalog, found in ((before, old_tables), (live, new_tables))
        )
        fresh = frozenset(new_tables.keys() - known.tables.keys())
        both = new_tables.keys() & old_tables.keys()
        changed = {one for one in both if not _same(old_tables[one], new_tables[one])}
        beside_ = beside(live, early(live), _plain(live))
        declared = tuple(
            one
            for one in beside_
            if differs(one.address, before, live) and one.address not in known.tables
        )
        found = relations(new)
        return cls(known, old, new, found, declared, fresh, frozenset(changed - fresh))

    def related(self, model: Model) -> Iterator[Relation]:
        """Yield the relationships that a new or changed class gains."""
        editable = self.new | self.changed
        joined = joins(self.before)
        for found in self.relations.get(model.address, ()):
            if found.secondary is None and joins_of(found.made_by, self.after) <= joined:
                continue
            if found.secondary in self.before.tables:
                continue
            yield found if found.target in editable else replace(found, back="")


def _plain(catalog: Catalog, mapped: Container[Address] = ()) -> dict[Address, Contents]:
    return plain(contents(catalog), late_parts(catalog, early(catalog)), mapped)


def _is_part(found: object) -> bool:
    return isinstance(found, Table) and bool(found.partition_of or found.inherits)


def _same(one: Contents, other: Contents) -> bool:
    return one == other and one.table.columns == other.table.columns


def differs(address: Address, before: Catalog, live: Catalog) -> bool:
    """Say whether an object is another one in the live schema."""
    return before.objects.get(address) != live.objects.get(address)


def joins(models: Models) -> frozenset[frozenset[Pair]]:
    """Return what each foreign key joins: sets of pairs of columns."""
    return frozenset(
        _pairs(key) for model in models.tables.values() for key in model.contents.foreign_keys
    )


def joins_of(address: Address, models: Models) -> frozenset[frozenset[Pair]]:
    """Return what one foreign key joins."""
    found = models.catalog.objects.get(address)
    return frozenset({_pairs(found)}) if isinstance(found, Constraint) else frozenset()


def _pairs(key: Constraint) -> frozenset[Pair]:
    if key.reference is None:
        return frozenset()
    own = Address("table", key.schema, key.table)
    pairs = zip(key.columns, key.reference.columns, strict=True)
    return frozenset(
        frozenset({(own, column), (key.reference.table, referred)}) for column, referred in pairs
    )


def parts(model: Model) -> dict[Address, Constraint | Index]:
    """Return what a table has beside its columns."""
    found = model.contents
    every: list[Constraint | Index] = [*found.constraints, *found.indexes]
    return {one.address: one for one in every}


def changed_enums(before: Catalog, live: Catalog) -> Iterator[tuple[Enum, Enum]]:
    """Yield the enums whose labels differ, as they are and as they have to be."""
    for enum in live.of(Enum):
        old = before.objects.get(enum.address)
        if isinstance(old, Enum) and old.labels != enum.labels:
            yield old, enum
