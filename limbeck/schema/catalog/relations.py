"""Which table or view an object of a catalog belongs to."""

from __future__ import annotations

from typing import Final, TypeAlias

from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.grants import Grant
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.catalog.objects.statistics import Statistics
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Policy, Rule, Trigger
from limbeck.schema.catalog.objects.views import View

Relation: TypeAlias = tuple[str, str]
"""A schema and a name: tables, views and sequences share their names."""
OF_RELATIONS: Final = (
    *(Table, Column, Constraint, Index, Trigger, Policy, Rule),
    *(Statistics, Sequence, View, Grant),
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
    if isinstance(item, Sequence) and item.owned_by:
        return item.owned_by[1:3]
    if isinstance(item, Grant) and item.target.kind in {"table", "view", "column"}:
        return item.target[1:3]
    return None
