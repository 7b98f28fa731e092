"""Read a database again of which most is known: only the relations that have changed since.

A proof reads the same database before a revision, after it and after its downgrade. The server
compares the versions of all rows of its system catalogs, which takes a fraction of the time that it
takes to spell the objects and to build values of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from limbeck.dataclass import dataclass
from limbeck.schema.catalog import lowest
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.filters import Filters
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.catalog.parted import Parted, owner
from limbeck.schema.catalog.queries import touched
from limbeck.schema.catalog.read import read, read_part
from limbeck.schema.catalog.relations import Relation, members

if TYPE_CHECKING:
    import psycopg

RELATIONS: Final = ("r", "p", "f", "v", "m", "S")


@dataclass(frozen=True, slots=True)
class Mark:
    """The state of a database at a moment: a hash for each relation, 0 for all else; and names."""

    versions: Mapping[int, int]
    names: Mapping[int, Relation]

    def touched(self, now: Mapping[int, int]) -> set[int]:
        """Return the relations that have changed since, been created or been dropped."""
        oids = self.versions.keys() | now.keys()
        return {oid for oid in oids if self.versions.get(oid) != now.get(oid)}


class _WholeError(Exception):
    """The change concerns more than relations."""


def mark(connection: psycopg.Connection) -> Mark:
    """Return the state of a database, for `read_changed` to compare with."""
    names = connection.execute(touched.NAMES.encode()).fetchall()
    return Mark(_versions(connection), {oid: (schema, name) for oid, schema, name in names})


def read_changed(
    connection: psycopg.Connection, base: Catalog, since: Mark, *, filters: Filters
) -> Catalog:
    """Return what a database holds, of which `base` is what it held at a mark.

    Args:
        connection: a session on the database, which nobody else changes meanwhile.
        base: the catalog at the mark, read with the same filters.
        since: the mark.
        filters: the schemas and tables to read.

    """
    changed = since.touched(_versions(connection))
    if not changed:
        return base
    if 0 in changed or base.unreadable:
        return read(connection, filters=filters)
    try:
        relations = _relations(connection, changed)
        partial = _part(connection, relations, filters)
        while users := _users(connection, _renamed(base, since, relations, partial), relations):
            relations |= users
            partial = _part(connection, relations, filters)
    except _WholeError:
        return read(connection, filters=filters)
    old = {since.names[oid] for oid in changed | relations.keys() if oid in since.names}
    new, target = {*relations.values()}, filters.lowest_major or base.major
    merged = _merged(base, lowest.written_for(partial, target), old, new)
    if isinstance(merged.objects, Parted) and not merged.objects.inherits(old | new):
        # Apart from what tables inherit, an older major's catalog differs within a relation only.
        return replace(merged, target=base.target)
    return lowest.written_for(merged, target)


def _versions(connection: psycopg.Connection) -> Mapping[int, int]:
    query = touched.sql(connection.info.server_version // 10000)
    return dict(connection.execute(query.encode()).fetchall())


def _relations(connection: psycopg.Connection, oids: Iterable[int]) -> dict[int, Relation]:
    """Return relations, the tables of indexes and sequences, and the sequences of tables."""
    relations: dict[int, Relation] = {}
    seen = todo = {*oids}
    while todo:
        rows = connection.execute(touched.owners(touched.array(todo)).encode()).fetchall()
        todo = set()
        for oid, kind, schema, name, table in rows:
            if kind == "c":  # a composite type is no relation with rows
                raise _WholeError
            if kind in RELATIONS:
                relations[oid] = schema, name
            todo |= {oid, table} - seen - {0}
        seen = seen | todo
    return relations


def _part(
    connection: psycopg.Connection, relations: Mapping[int, Relation], filters: Filters
) -> Catalog:
    """Return the catalog of relations and of those that they use, whose names they mention."""
    rows = connection.execute(touched.used(touched.array(relations)).encode()).fetchall()
    used = _relations(connection, {oid for (oid,) in rows if oid})
    oids = touched.array(relations.keys() | used.keys())
    return read_part(connection, lambda name: touched.condition(name, oids), filters=filters)


def _users(
    connection: psycopg.Connection, oids: Collection[int], known: Mapping[int, Relation]
) -> dict[int, Relation]:
    """Return the relations besides the known ones that use some."""
    if not oids:
        return {}
    rows = connection.execute(touched.users(touched.array(oids)).encode()).fetchall()
    if (None,) in rows:
        raise _WholeError
    users = _relations(connection, {oid for (oid,) in rows})
    return {oid: relation for oid, relation in users.items() if oid not in known}


def _renamed(
    base: Catalog, since: Mark, relations: Mapping[int, Relation], partial: Catalog
) -> list[int]:
    """Return the relations of which something that others may mention has another name."""
    return [
        oid
        for oid, relation in relations.items()
        if (name := since.names.get(oid)) is not None  # else it is new
        and (name != relation or not all(_alike(item, partial) for item in of_relation(base, name)))
    ]


def _alike(item: Object, partial: Catalog) -> bool:
    now = partial.objects.get(item.address)
    if isinstance(item, Column):
        return isinstance(now, Column) and (now.position, now.type) == (item.position, item.type)
    if isinstance(item, View):
        return isinstance(now, View) and now.columns[: len(item.columns)] == item.columns
    return now == item if isinstance(item, Constraint | Index) else now is not None


def of_relation(catalog: Catalog, relation: Relation) -> Sequence[Object]:
    """Return the objects of a table, a view or a sequence."""
    if isinstance(catalog.objects, Parted):
        return catalog.objects.members(relation)
    return members(catalog).get(relation, ())


def _merged(base: Catalog, partial: Catalog, old: set[Relation], new: set[Relation]) -> Catalog:
    """Return a catalog with some relations of a part of another one in place of its own.

    Args:
        base: the catalog.
        partial: the part.
        old: the names that the relations had.
        new: the names that they have.

    """
    left = {item.address for each in old | new for item in of_relation(base, each)}
    own = {item.address for each in new for item in of_relation(partial, each)}
    if isinstance(base.objects, Parted):
        items = [partial.objects[at] for at in own]
        edges = {at: used for at, used in partial.depends.items() if owner(at) in own}
        replaced = base.objects.replaced(left, items, edges)
        return Catalog(base.server, replaced, replaced.depends())
    objects = {at: item for at, item in base.objects.items() if at not in left}
    objects |= {at: item for at, item in partial.objects.items() if at in own}
    depends = {at: used for at, used in base.depends.items() if owner(at) not in left}
    depends |= {at: used for at, used in partial.depends.items() if owner(at) in own}
    return Catalog(base.server, objects, depends)
