"""Leave out of two catalogs the tables that a change has nothing to do with; `compare` calls it.

To relate all parts of thousands of tables takes longer than to write a revision for one of them.
What stays is what differs, all that depends on it, the tables of both with everything on them, and
whatever these need. A change of anything but tables and views, as of a function, whose users are
partly known from the text of bodies only, is compared with nothing left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.catalog import Catalog, Change
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.grants import Grant
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.relations import OF_RELATIONS, Relation, members, relation_of
from limbeck.schema.diff.part import sub
from limbeck.schema.diff.reach import narrowed
from limbeck.schema.sql.quoting import schema_and_name

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Relations:
    """What belongs together in one catalog: the objects of each table, users, relatives."""

    catalog: Catalog
    users: Mapping[Address, Sequence[Address]]
    relatives: Mapping[Relation, Sequence[Relation]]

    @classmethod
    def of(cls, catalog: Catalog) -> _Relations:
        """Return the relations of a catalog, which are computed once."""
        if "relations" not in catalog.derived:
            relatives: dict[Relation, list[Relation]] = defaultdict(list)
            for table in catalog.every(Table):
                for parent in _parents(table):
                    relatives[table.address[1:3]].append(parent[1:3])
                    relatives[parent[1:3]].append(table.address[1:3])
            catalog.derived["relations"] = cls(catalog, _users(catalog), relatives)
        relations: _Relations = catalog.derived["relations"]
        return relations

    def needs(self, address: Address) -> Iterator[Address]:
        """Yield what an object cannot be compared or stated without."""
        yield from self.catalog.depends.get(address, ())
        item = self.catalog.objects.get(address)
        if isinstance(item, Column):
            yield from self.catalog.depends.get(sub(address, "default"), ())
        if isinstance(item, Table):
            yield from _parents(item)
            yield from (Address("column", item.schema, item.name, name) for name in item.columns)
        elif isinstance(item, Constraint) and item.reference:
            yield item.reference.table
        if isinstance(item, OF_RELATIONS) and (relation := relation_of(item)):
            yield from (Address(kind, *relation) for kind in ("table", "view"))


def sliced(before: Catalog, after: Catalog, changes: Iterable[Change]) -> tuple[Catalog, Catalog]:
    """Return two catalogs without what none of the differences between them concerns.

    Args:
        before: The catalog to start from.
        after: The catalog to reach.
        changes: All differences between them.

    """
    items = [item for change in changes for item in (change.before, change.after) if item]
    if not all(isinstance(item, OF_RELATIONS) for item in items):
        return before, after
    before, after = narrowed(before, after)
    sides = _Relations.of(before), _Relations.of(after)
    affected = _with_users({item.address for item in items}, sides)
    concerned = _with_relatives(affected, sides)
    own = (members(side.catalog).get(each, ()) for each in concerned for side in sides)
    start = affected.union(item.address for items in own for item in items)
    start |= {at for side in sides for at in side.catalog.objects if _always(side, at)}
    staying = _with_needs(start, sides)
    left, right = (_only(side.catalog, staying) for side in sides)
    return left, right


def whole(catalog: Catalog) -> Catalog:
    """Return the catalog that one was sliced from, or the catalog itself."""
    origin: Catalog = catalog.derived.get("whole", catalog)
    return origin if origin is catalog else whole(origin)


def _always(side: _Relations, address: Address) -> bool:
    return not isinstance(side.catalog.objects[address], OF_RELATIONS)


def _with_users(changed: set[Address], sides: Sequence[_Relations]) -> set[Address]:
    """Return what has changed, and all that depends on it."""
    return _closed(changed, lambda at: (user for side in sides for user in side.users.get(at, ())))


def _with_relatives(affected: Iterable[Address], sides: Sequence[_Relations]) -> set[Relation]:
    """Return the tables of objects, their partitions, their parents, and so on."""
    items = (side.catalog.objects.get(at) for at in affected for side in sides)
    concerned = {
        at for item in items if isinstance(item, OF_RELATIONS) and (at := relation_of(item))
    }
    return _closed(
        concerned, lambda each: (other for side in sides for other in side.relatives.get(each, ()))
    )


def _with_needs(start: set[Address], sides: Sequence[_Relations]) -> set[Address]:
    return _closed(start, lambda at: (need for side in sides for need in side.needs(at)))


def _closed(start: set[T], following: Callable[[T], Iterable[T]]) -> set[T]:
    """Return some values with all that follow from them, however indirectly."""
    reached, todo = set(start), list(start)
    while todo:
        new = {each for each in following(todo.pop()) if each not in reached}
        reached |= new
        todo += new
    return reached


def _only(catalog: Catalog, staying: set[Address]) -> Catalog:
    """Return a catalog with some of its objects, the privileges on them, and their edges."""
    columns = (catalog.objects.get(at) for at in staying if at.kind == "column")
    counters = {
        Address("sequence", *schema_and_name(column.identity.sequence))
        for column in columns
        if isinstance(column, Column) and column.identity
    }
    grants = {
        grant.address
        for grant in catalog.every(Grant)
        if grant.target in staying or grant.target in counters
    }
    staying = staying | grants
    objects = {at: item for at, item in catalog.objects.items() if at in staying}
    # A generation expression has edges under the address of a default.
    depends = {
        at: used
        for at, used in catalog.depends.items()
        if at in staying or (at.kind == "default" and sub(at, "column") in staying)
    }
    part = replace(catalog, objects=objects, depends=depends)
    part.derived["whole"] = catalog
    return part


def _users(catalog: Catalog) -> Mapping[Address, Sequence[Address]]:
    users: dict[Address, list[Address]] = defaultdict(list)
    for user, used in catalog.depends.items():
        for address in used:
            users[address].append(sub(user, "column") if user.kind == "default" else user)
    return users


def _parents(table: Table) -> Sequence[Address]:
    return (table.partition_of,) if table.partition_of else table.inherits
