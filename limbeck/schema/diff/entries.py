"""How an object that is created again is remembered, and without which of its properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Rule, Trigger
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.diff.remembering import Entry
from limbeck.schema.sql.quoting import quote

# How COMMENT ON and ALTER call an object, by the kind of its address. The kinds that are not here
# have nothing beside their definition.
KINDS = {
    **{kind: kind.upper() for kind in ("domain", "collation", "statistics", "sequence", "index")},
    **{kind: kind.upper() for kind in ("trigger", "rule", "policy", "constraint", "column")},
    **{kind: kind.upper() for kind in ("view", "table", "publication")},
    **dict.fromkeys(("enum", "composite", "range"), "TYPE"),
    "function": "ROUTINE",
}


def entry(
    address: Address,
    old: Object,
    new: Object,
    before: Mapping[Address, Object],
    after: Mapping[Address, Object],
) -> Entry:
    """Return how to remember an object.

    Args:
        address: Its address.
        old: The object before the change.
        new: The object after it.
        before: All objects before the change, for the columns of a table.
        after: All objects after it.

    """
    name = of(address)
    if address.kind == "function":  # the name of its address has its arguments, and is quoted
        name = f"{quote(address.schema)}.{address.name}"
    elif address.kind == "publication":
        name = quote(address.name)
    without = [*_own(old, new), *_of_columns(old, new, before, after)]
    return Entry(_kind(address, new), name, address.part, tuple(without))


def _kind(address: Address, new: Object) -> str:
    if isinstance(new, View) and new.materialized:
        return "MATERIALIZED VIEW"
    if isinstance(new, Table) and new.kind == "f":
        return "FOREIGN TABLE"
    return KINDS[address.kind]


def _own(old: Object, new: Object) -> Iterator[str]:
    """Yield the properties that the change states itself."""
    if isinstance(old, Column) and isinstance(new, Column):
        yield from _of_column(old, new)
        return
    if getattr(old, "comment", None) != getattr(new, "comment", None):
        yield "comment"
    if getattr(old, "options", ()) != getattr(new, "options", ()) or _kinds(old) != _kinds(new):
        yield "options"
    if _kinds(old) != _kinds(new) or getattr(old, "target", 0) != getattr(new, "target", 0):
        yield "settings"
    if isinstance(old, Trigger | Rule) and isinstance(new, Trigger | Rule):
        yield from ["enabled"] if old.enabled != new.enabled else []
    if isinstance(old, Index | Constraint) and isinstance(new, Index | Constraint):
        yield from ["marks"] if _marks(old) != _marks(new) else []
    if isinstance(new, Sequence) and new.owned_by:
        yield "owner"  # it is that of the table


def _kinds(item: Object) -> object:
    """Return what an object must share with its successor to have the same settings."""
    if isinstance(item, View):
        return item.materialized
    if isinstance(item, Index):
        return item.method, len(item.keys), item.statistics
    return item.kind if isinstance(item, Table) else None


def _marks(item: Index | Constraint) -> tuple[bool, bool]:
    return item.clustered, item.replica_identity


def _of_columns(
    old: Object,
    new: Object,
    before: Mapping[Address, Object],
    after: Mapping[Address, Object],
) -> Iterator[str]:
    """Yield the columns that are gone, and what the change states of those that stay."""
    if isinstance(old, View) and isinstance(new, View):
        columns = {column.name: column for column in new.columns}
        for each in old.columns:
            if each.name not in columns:
                yield each.name
            elif each.comment != columns[each.name].comment:
                yield f"{each.name} comment"
            if new.materialized and each.name in columns and each.type != columns[each.name].type:
                yield f"{each.name} storage"
    elif isinstance(old, Table):
        for name in old.columns:
            at = Address("column", old.schema, old.name, name)
            column, later = before.get(at), after.get(at)
            if isinstance(column, Column) and isinstance(later, Column):
                yield from _of_column(column, later)
            else:
                yield name


def _of_column(old: Column, new: Column) -> Iterator[str]:
    if old.comment != new.comment:
        yield f"{old.name} comment"
    if _tuning(old) != _tuning(new):
        yield f"{old.name} settings"
    if (old.type, old.storage) != (new.type, new.storage):
        yield f"{old.name} storage"


def _tuning(column: Column) -> tuple[object, ...]:
    return column.statistics, column.options, column.compression
