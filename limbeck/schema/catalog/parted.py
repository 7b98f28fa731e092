"""The objects of a catalog in parts, one for each table or view, which are built when needed.

`generate` compares two catalogs of which almost all is the same. Parts that are equal are one
value, and stay the text that the cache has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.deferred import Deferred, Kind, added
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.part import PLACED, Edges, Part
from limbeck.schema.catalog.relations import OF_RELATIONS, Relation, relation_of

OTHERS: Final[Relation] = "", ""
"""Stands for the relation of objects that belong to none."""


class Parted(Deferred):
    """The objects of a catalog by their relations."""

    def __init__(self, parts: Mapping[Relation, Part]) -> None:
        self.parts = parts

    @classmethod
    def of(cls, catalog: Catalog) -> Parted:
        """Return the objects of a catalog in parts."""
        if isinstance(catalog.objects, Parted):
            return catalog.objects
        return cls(_parts(catalog.objects.values(), catalog.depends))

    @staticmethod
    def in_parts(catalog: Catalog) -> Catalog:
        """Return a catalog whose objects are in parts."""
        objects = Parted.of(catalog)
        if objects is catalog.objects:
            return catalog
        return replace(catalog, objects=objects, depends=objects.depends())

    def __getitem__(self, address: Address) -> Object:
        """Return an object."""
        return self.parts[self._home(address)].objects[address]

    def __contains__(self, address: object) -> bool:
        """Return whether there is an object."""
        return isinstance(address, Address) and self.get(address) is not None

    def __iter__(self) -> Iterator[Address]:
        """Yield all addresses."""
        for part in self.parts.values():
            yield from part.objects

    def __len__(self) -> int:
        """Count all objects."""
        return sum(len(part.objects) for part in self.parts.values())

    def get(self, address: Address, default: Any = None) -> Any:
        """Return an object, or the default."""
        return self.parts[self._home(address)].objects.get(address, default)

    def items(self) -> ItemsView[Address, Object]:
        """Return all objects with their addresses."""
        return _Items(self, [part.objects for part in self.parts.values()])

    def values(self) -> ValuesView[Object]:
        """Return all objects."""
        return _Values(self, [part.objects for part in self.parts.values()])

    def digest(self) -> int:
        """Return the digest of all objects, for which none is built."""
        return added(part.about.digest for part in self.parts.values())

    def differing(self, other: Deferred) -> set[Address]:
        """Return the addresses of all objects in parts that differ."""
        if not isinstance(other, Parted):
            return {*self, *other}
        names = self.unlike(other)
        parts = (part for side in (self, other) for name in names if (part := side.parts.get(name)))
        return {address for part in parts for address in part.objects}

    def unlike(self, other: Parted) -> set[Relation]:
        """Return the relations whose objects differ."""
        names = self.parts.keys() | other.parts.keys()
        pairs = ((name, self.parts.get(name), other.parts.get(name)) for name in names)
        return {
            name
            for name, own, others in pairs
            if own is not others
            and (own is None or others is None or own.about.digest != others.about.digest)
        }

    def every(self, kind: type[Kind]) -> Iterable[Kind]:
        """Return the objects of one class; those that belong to no relation need no others."""
        if kind not in OF_RELATIONS:
            items: Iterable[Object] = self.parts[OTHERS].objects.values()
            return (item for item in items if isinstance(item, kind))
        return self._kinds.get(kind, ())

    @staticmethod
    def tables(catalog: Catalog) -> int:
        """Return the number of tables of a catalog, for which none is built."""
        return sum(part.about.is_table for part in Parted.of(catalog).parts.values())

    def depends(self) -> Mapping[Address, frozenset[Address]]:
        """Return what each object depends on."""
        return _Depends(self)

    def owner(self, name: Relation) -> Relation | None:
        """Return the relation that has a name, or that a sequence or an index belongs to."""
        return name if name in self.parts else self._owners.get(name)

    def inherits(self, relations: set[Relation]) -> bool:
        """Return whether one of these tables has a parent, a child or a partition."""
        return any(
            name in relations or not relations.isdisjoint(part.about.parents)
            for name, part in self.parts.items()
            if part.about.parents
        )

    def members(self, relation: Relation) -> list[Object]:
        """Return the objects of a relation, as `relations.members` does."""
        part = self.parts.get(relation)
        items = [*part.objects.values()] if part else []
        sequence = self.get(Address("sequence", *relation))
        return [*items, sequence] if sequence else items

    def replaced(self, left: Iterable[Address], items: Iterable[Object], depends: Edges) -> Parted:
        """Return all objects with some in place of others.

        Args:
            left: the addresses of those that are not there any more.
            items: those that are there now.
            depends: what they depend on.

        """
        gone = {*left}
        new = _grouped(items, depends)
        parts = dict(self.parts)
        for home in {*new} | {self._home(address) for address in gone}:
            objects, edges = new.get(home, ([], {}))
            if old := self.parts.get(home):
                now = {item.address for item in objects}
                objects += [
                    item for at, item in old.objects.items() if at not in gone and at not in now
                ]
                edges |= {
                    at: used
                    for at, used in old.depends.items()
                    if owner(at) not in gone and at not in edges
                }
            if objects or home == OTHERS:
                parts[home] = Part.of(objects, edges)
            else:
                parts.pop(home, None)
        return Parted(parts)

    def _home(self, address: Address) -> Relation:
        """Return the relation that an object would belong to."""
        if address.kind in PLACED:
            return address[1:3] if address[1:3] in self.parts else OTHERS
        return self._homes.get(address, OTHERS)

    @cached_property
    def _homes(self) -> Mapping[Address, Relation]:
        return {at: name for name, part in self.parts.items() for at in part.about.names}

    @cached_property
    def _owners(self) -> Mapping[Relation, Relation]:
        return {at[1:3]: home for at, home in self._homes.items() if at.kind != "grant"}

    @cached_property
    def _kinds(self) -> Mapping[type, list[Any]]:
        kinds: dict[type, list[Any]] = defaultdict(list)
        for part in self.parts.values():
            for item in part.objects.values():
                kinds[type(item)].append(item)
        return kinds


class _Items(ItemsView[Address, Any]):
    """The items of several mappings that are one."""

    def __init__(
        self, whole: Mapping[Address, Any], parts: Iterable[Mapping[Address, Any]]
    ) -> None:
        super().__init__(whole)
        self._parts = parts

    def __iter__(self) -> Iterator[tuple[Address, Any]]:
        """Yield them without looking up each address."""
        for part in self._parts:
            yield from part.items()


class _Values(ValuesView[Any]):
    """The values of several mappings that are one."""

    def __init__(
        self, whole: Mapping[Address, Any], parts: Iterable[Mapping[Address, Any]]
    ) -> None:
        super().__init__(whole)
        self._parts = parts

    def __iter__(self) -> Iterator[Any]:
        """Yield them without looking up each address."""
        for part in self._parts:
            yield from part.values()


class _Depends(Mapping[Address, frozenset[Address]]):
    """What each object of some parts depends on."""

    def __init__(self, objects: Parted) -> None:
        self._objects = objects

    def __getitem__(self, address: Address) -> frozenset[Address]:
        """Return what an object depends on."""
        home = self._objects._home(address)  # noqa: SLF001 - of the same module
        return self._objects.parts[home].depends[address]

    def __iter__(self) -> Iterator[Address]:
        """Yield what depends on something."""
        for part in self._objects.parts.values():
            yield from part.depends

    def items(self) -> ItemsView[Address, frozenset[Address]]:
        """Return what depends on something, and on what."""
        return _Items(self, [part.depends for part in self._objects.parts.values()])

    def __len__(self) -> int:
        """Count what depends on something."""
        return sum(len(part.depends) for part in self._objects.parts.values())


def owner(address: Address) -> Address:
    """Return the column of a default, and any other address as it is."""
    return address._replace(kind="column") if address.kind == "default" else address


def _parts(items: Iterable[Object], depends: Edges) -> Mapping[Relation, Part]:
    grouped = _grouped(items, depends)
    grouped.setdefault(OTHERS, ([], {}))
    return {home: Part.of(*group) for home, group in grouped.items()}


def _grouped(
    items: Iterable[Object], depends: Edges
) -> dict[Relation, tuple[list[Object], dict[Address, frozenset[Address]]]]:
    """Return objects and edges by the relations that they belong to."""
    groups: dict[Relation, tuple[list[Object], dict[Address, frozenset[Address]]]] = {}
    homes: dict[Address, Relation] = {}
    for item in items:
        home = (relation_of(item) if isinstance(item, OF_RELATIONS) else None) or OTHERS
        groups.setdefault(home, ([], {}))[0].append(item)
        homes[item.address] = home
    for user, used in depends.items():
        home = homes.get(owner(user), OTHERS)
        groups.setdefault(home, ([], {}))[1][user] = used
    return groups
