"""The differences between two schemas one by one, and a schema without some of them.

A project that adopts limbeck has differences between its history and its models that nobody wants
to migrate. `generate` and `check` leave them out: the models count as if they agreed there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field, fields, replace
from typing import Any, Final

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.catalog import Catalog, Change
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import NotNull
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.catalog.relations import OF_RELATIONS, Relation, relation_of
from limbeck.schema.diff.part import sub

NAME: Final = "name"
"""The attribute of a constraint or an index that differs in nothing else."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute in which an object differs; "" means that only one side has the object.

    `before` and `after` are the values as text, None where there is none. An object that differs
    by its name has the address from before; `renamed` is the other one. `table` is the table or
    view that the object is on. `former` are the values as entries of before have them.
    """

    address: Address
    attribute: str
    before: str | None
    after: str | None
    renamed: Address | None = field(default=None, compare=False)
    table: Relation | None = field(default=None, compare=False)
    former: tuple[str | None, str | None] = field(default=(None, None), compare=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a pattern may match: the object's own, and that of its table."""
        parts = [part for part in self.address[1:] if part]
        own = {".".join(parts), ".".join(parts[1:])}
        return tuple(sorted(own | ({".".join(self.table)} if self.table else set())))

    @property
    def is_name_only(self) -> bool:
        """Return whether only the name of a constraint differs."""
        return self.attribute == NAME or (self.attribute == "not_null" and self.renamed is not None)


def differences(before: Catalog, after: Catalog) -> tuple[Difference, ...]:
    """Return what differs; what is on a table that only one side has counts with the table."""
    changes = before.changes_to(after)
    alone = {
        item.address[1:3] for change in changes if isinstance(item := _only(change), Table | View)
    }
    pairs = dict(_renamed(changes))
    new = set(pairs.values())
    result: list[Difference] = []
    for change in changes:
        if change.address in pairs:
            own = [_by_name(change.address, pairs[change.address])]
        elif change.address not in new and not _is_part(_only(change), alone):
            own = [*_of(change)]
        else:
            continue
        result += [replace(each, table=_table(change)) for each in own]
    return tuple(result)


def settled(
    before: Catalog, after: Catalog, accepted: Callable[[Difference], bool]
) -> tuple[Catalog, tuple[Difference, ...]]:
    """Return the later catalog without accepted differences, and these.

    Args:
        before: The catalog to start from.
        after: The catalog to reach.
        accepted: Whether a difference is left out.

    """
    left_out = tuple(each for each in differences(before, after) if accepted(each))
    for difference in left_out:
        after = _without(difference, before, after)
    return after, left_out


def _of(change: Change) -> Iterator[Difference]:
    old, new, address = change.before, change.after, change.address
    if old is None or new is None:
        yield Difference(address, "", _whole(old), _whole(new))
        return
    for each in fields(old):
        pair = getattr(old, each.name), getattr(new, each.name, None)
        if each.compare and pair[0] != pair[1]:
            renamed = address if _names_only(*pair) else None
            former = _former(pair[0]), _former(pair[1])
            texts = _text(pair[0]), _text(pair[1])
            yield Difference(address, each.name, *texts, renamed, former=former)


def _by_name(old: Address, new: Address) -> Difference:
    return Difference(old, NAME, old.part or old.name, new.part or new.name, new)


def _table(change: Change) -> Relation | None:
    item = change.before or change.after
    return relation_of(item) if isinstance(item, OF_RELATIONS) else None


def _only(change: Change) -> Object | None:
    """Return the object of a change if only one side has it."""
    return None if change.before and change.after else change.before or change.after


def _is_part(item: Object | None, alone: set[Relation]) -> bool:
    """Return whether an object is on a table that only one side has."""
    if not isinstance(item, OF_RELATIONS) or isinstance(item, Table | View):
        return False
    return relation_of(item) in alone


def _renamed(changes: Iterable[Change]) -> Iterator[tuple[Address, Address]]:
    """Yield the constraints and indexes that differ in nothing but the name, old and new."""
    spare = [item for change in changes if change.before is None and (item := change.after)]
    for change in changes:
        old = change.before
        if change.after is not None or not isinstance(old, Constraint | Index):
            continue
        for item in spare:
            if isinstance(item, type(old)) and _nameless(item) == _nameless(old):
                spare.remove(item)
                yield old.address, item.address
                break


def _nameless(item: Constraint | Index) -> Constraint | Index:
    # The definition of an index has its name in it; all else of it are fields of their own.
    return (
        replace(item, name="", definition="") if isinstance(item, Index) else replace(item, name="")
    )


def _names_only(old: Any, new: Any) -> bool:
    if not (isinstance(old, NotNull) and isinstance(new, NotNull)):
        return False
    return replace(old, name=None) == replace(new, name=None)


def _text(value: Any) -> str | None:
    from limbeck.schema.diff.spelling import spelled  # noqa: PLC0415 - few commands list values

    return None if value is None or value in ("", ()) else spelled(value)


def _former(value: Any) -> str | None:
    return None if value is None or value in ("", ()) else str(value)


def _whole(item: Object | None) -> str | None:
    if item is None:
        return None
    return str(getattr(item, "definition", "") or getattr(item, "create", "") or "exists")


def _without(difference: Difference, before: Catalog, after: Catalog) -> Catalog:
    address = difference.address
    if difference.attribute == NAME and difference.renamed:
        return _with_name(difference.renamed, before.objects[address], after)
    old = before.objects.get(address)
    if difference.attribute and old is not None:
        value = {difference.attribute: getattr(old, difference.attribute)}
        item: Any = after.objects[address]
        return _with_edges(before, after, {address: replace(item, **value)}, set())
    there = _with_members(address, before if old is not None else after)
    if old is not None:
        return _with_edges(before, after, {at: before.objects[at] for at in there}, set())
    return _with_edges(before, after, {}, there)


def _with_members(address: Address, catalog: Catalog) -> set[Address]:
    """Return an object and, if it is a table or a view, all that is on it."""
    item = catalog.objects[address]
    if not isinstance(item, Table | View):
        return {address}
    members = (each for each in catalog.objects.values() if isinstance(each, OF_RELATIONS))
    return {each.address for each in members if relation_of(each) == (item.schema, item.name)}


def _with_edges(
    before: Catalog, after: Catalog, objects: dict[Address, Object], gone: set[Address]
) -> Catalog:
    """Return the later catalog with some objects as before, and without others."""
    left = {at: item for at, item in after.objects.items() if at not in gone} | objects
    places = objects.keys() | gone
    moved = places | {sub(at, "default") for at in places if at.kind == "column"}
    edges = {at: used for at, used in after.depends.items() if at not in moved}
    edges |= {at: before.depends[at] for at in moved - gone if at in before.depends}
    return replace(after, objects=left, depends=edges)


def _with_name(new: Address, old: Object, after: Catalog) -> Catalog:
    """Return the later catalog with the name that a constraint or an index had before."""
    left = {at: item for at, item in after.objects.items() if at != new}
    edges = {
        (old.address if at == new else at): frozenset(
            old.address if each == new else each for each in used
        )
        for at, used in after.depends.items()
    }
    return replace(after, objects={**left, old.address: old}, depends=edges)
