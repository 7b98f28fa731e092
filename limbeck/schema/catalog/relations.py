"""Which table or view an object of a catalog belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.grants import Grant
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.sequences import Sequence as SequenceObject
from limbeck.schema.catalog.objects.statistics import Statistics
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Policy, Rule, Trigger
from limbeck.schema.catalog.objects.views import View

Relation: TypeAlias = tuple[str, str]
"""A schema and a name: tables, views and sequences share their names."""
OF_RELATIONS: Final = (
    *(Table, Column, Constraint, Index, Trigger, Policy, Rule),
    *(Statistics, SequenceObject, View, Grant),
)
"""The classes of objects that a schema has for each of its tables; the others are few."""


def relation_of(item: Object) -> Relation | None:
    """Return the table or the view that an object belongs to, or is."""
    if isinstance(item, Table | View):
        return item.schema, item.name
    if isinstance(item, Column | Constraint | Trigger | Policy | Rule):
        return item.schema, item.table
    if isinstance(item, Index):
        return item.table[1:3]
    if isinstance(item, SequenceObject) and item.owned_by:
        return item.owned_by[1:3]
    if isinstance(item, Grant) and item.target.kind in {"table", "view", "column"}:
        return item.target[1:3]
    return None


def members(catalog: Catalog) -> Mapping[Relation, Sequence[Object]]:
    """Return the objects of each table, view and sequence; for each catalog this is done once."""
    if "members" not in catalog.derived:
        result: dict[Relation, list[Object]] = defaultdict(list)
        for item in catalog.objects.values():
            for relation in _relations(item):
                result[relation].append(item)
        catalog.derived["members"] = dict(result)
    known: Mapping[Relation, Sequence[Object]] = catalog.derived["members"]
    return known


def _relations(item: Object) -> Iterator[Relation]:
    """Yield the relation that an object belongs to, and the sequence that it is itself."""
    if isinstance(item, OF_RELATIONS) and (relation := relation_of(item)):
        yield relation
    if isinstance(item, SequenceObject):
        yield item.schema, item.name
