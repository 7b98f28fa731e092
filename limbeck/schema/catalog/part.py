"""The objects of one table or view as text, which is read when somebody asks for one of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from limbeck.schema.catalog.collector import paused
from limbeck.schema.catalog.deferred import digest
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.grants import Grant
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.statistics import Statistics
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Policy, Rule, Trigger
from limbeck.schema.catalog.relations import Relation
from limbeck.schema.catalog.values import classes_of, instance, text_of

Edges = Mapping[Address, frozenset[Address]]
PLACED: Final = frozenset(
    {"table", "view", "column", "constraint", "trigger", "policy", "rule", "default"}
)
"""The kinds of objects whose addresses begin with their table or view."""


class Link(NamedTuple):
    """That an object depends on something; `last` if nothing can depend on the object itself.

    `name` is that of a relation, or of a sequence or an index that belongs to one.
    """

    name: Relation
    last: bool


class About(NamedTuple):
    """What is known of a part before its text is read.

    `names` are the addresses that do not begin with the relation, as of indexes. `links` lead to
    the relations that the objects depend on, `parents` to those of which the table inherits.
    """

    digest: int
    is_table: bool
    names: tuple[Address, ...]
    links: tuple[Link, ...]
    parents: tuple[Relation, ...]


class Part:
    """The objects of one relation, or all those that belong to none, with what they depend on."""

    __slots__ = ("_depends", "_objects", "about", "text")

    def __init__(self, about: About, text: bytes | memoryview) -> None:
        self.about, self.text = about, text
        self._objects: dict[Address, Object] | None = None
        self._depends: dict[Address, frozenset[Address]] = {}

    @classmethod
    def of(cls, items: Collection[Object], depends: Edges) -> Part:
        """Return the part of some objects, which it keeps."""
        rows: dict[str, list[Object]] = {}
        for item in items:
            rows.setdefault(type(item).__name__, []).append(item)
        numbers: dict[Address, int] = {}
        for user, used in depends.items():
            for address in (user, *used):
                numbers.setdefault(address, len(numbers))
        edges = [(numbers[user], [numbers[at] for at in used]) for user, used in depends.items()]
        text = text_of([rows, list(numbers), edges]).encode()
        part = cls(_about(items, depends), text)
        part._objects = {item.address: item for item in items}
        part._depends = {**depends}
        return part

    @property
    def is_built(self) -> bool:
        """Whether somebody has asked for its objects."""
        return self._objects is not None

    @property
    def objects(self) -> Mapping[Address, Object]:
        """The objects by their addresses."""
        if self._objects is None:
            self._read()
        return self._objects or {}

    @property
    def depends(self) -> Edges:
        """What each of them depends on."""
        if self._objects is None:
            self._read()
        return self._depends

    def _read(self) -> None:
        with paused():
            rows, addresses, edges = json.loads(bytes(self.text))
            classes = classes_of({})
            items = [
                item
                for name, several in rows.items()
                for item in map(instance(classes[name]), several)
            ]
            known = [Address(*values) for values in addresses]
            self._depends = {
                known[user]: frozenset(known[number] for number in used) for user, used in edges
            }
            self._objects = {item.address: item for item in items}


def _about(items: Collection[Object], depends: Edges) -> About:
    objects = {item.address: item for item in items}
    tables = [item for item in items if isinstance(item, Table)]
    parents = {
        parent[1:3]
        for table in tables
        for parent in ((table.partition_of,) if table.partition_of else table.inherits)
    }
    return About(
        digest(items),
        bool(tables),
        tuple(at for at in objects if at.kind not in PLACED),
        tuple(sorted({*_links(objects, depends)})),
        tuple(sorted(parents)),
    )


def _links(objects: Mapping[Address, Object], depends: Edges) -> Iterator[Link]:
    for user, used in depends.items():
        last = _is_last(objects.get(user))
        yield from (Link(name, last) for name in _names(used))
    for item in objects.values():
        if isinstance(item, Constraint) and item.reference:
            yield Link(item.reference.table[1:3], last=True)


def _names(used: Iterable[Address]) -> Iterator[Relation]:
    """Yield what may be names of relations: those of types and functions are looked up in vain."""
    yield from (at[1:3] for at in used if at.kind not in {"schema", "extension"})


def _is_last(item: Any) -> bool:
    """Return whether no object of another relation can depend on an object."""
    if isinstance(item, Constraint):
        return item.type == "f"
    return isinstance(item, Trigger | Policy | Rule | Statistics | Grant)
