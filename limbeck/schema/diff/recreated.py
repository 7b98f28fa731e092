"""Preserve what only the target has of objects that a revision drops and creates again.

`generate`, `expand`, `diff --sql` and the plugin call `preserving` last of all: it looks at where
transactions begin and end, and does not change them. What `remembering` restores is gone with the
session; so a crash between two transactions loses it for an index or a constraint that is created
in another one than it is dropped in. What has privileges is created in the same one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import cached_property

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.grants import Grant
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.sequences import Sequence as SequenceObject
from limbeck.schema.diff import grants, renaming
from limbeck.schema.diff.column_operations import RenameColumn
from limbeck.schema.diff.entries import KINDS, entry
from limbeck.schema.diff.operations import AddIdentity, CreateTable, DropIdentity
from limbeck.schema.diff.remembering import Entry, Remember, Restore
from limbeck.schema.diff.steps import Step
from limbeck.schema.renames.rename import Rename
from limbeck.schema.sql.quoting import schema_and_name

SETTING = "limbeck.kept"
# Kinds whose address has the name of their table.
OF_TABLE = frozenset({"column", "trigger", "rule", "policy", "constraint"})
# Kinds that a successor replaces while the old one still exists under another name.
ASIDE = frozenset({"enum", "domain", "composite", "range", "collation", "column", "sequence"})


@dataclass(frozen=True, slots=True)
class _Recreated:
    """An object that is created again, and the steps that take it away and bring it back."""

    address: Address
    entry: Entry
    lost: int
    back: int


def preserving(
    steps: Sequence[Step], before: Catalog, after: Catalog, renames: Sequence[Rename] = ()
) -> tuple[Step, ...]:
    """Return steps that also restore what the target has of objects which they create again.

    Args:
        steps: All steps of a revision in one direction.
        before: The catalog that they start from.
        after: The catalog that they lead to.
        renames: The confirmed renames among the steps.

    """
    if renames:
        before = renaming.apply(before, after, renames)[0]
    transactions = _transactions(steps)
    groups: dict[int, list[_Recreated]] = defaultdict(list)
    for each in _recreated(steps, _Objects(before), _Objects(after)):
        groups[transactions[each.back]].append(each)
    return tuple(_with(steps, list(groups.values()), before, after)) if groups else tuple(steps)


def _transactions(steps: Sequence[Step]) -> list[int]:
    """Return the number of the transaction of each step; a step outside of any has its own."""
    numbers, number, outside = list[int](), 0, True
    for step in steps:
        number += step.begins or step.outside or outside
        outside = step.outside
        numbers.append(number)
    return numbers


class _Objects(Mapping[Address, Object]):
    """All objects, and the sequences of identities like other sequences."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def __getitem__(self, address: Address) -> Object:
        """Return an object; the sequences of identities are looked for last."""
        item = self._catalog.objects.get(address)
        if item is None and address.kind == "sequence":
            return self._counters[address]
        return self._catalog.objects[address]

    def __iter__(self) -> Iterator[Address]:
        """Yield all addresses."""
        return iter({**self._catalog.objects, **self._counters})

    def __len__(self) -> int:
        """Count them."""
        return len({**self._catalog.objects, **self._counters})

    @cached_property
    def _counters(self) -> Mapping[Address, Object]:
        counters: dict[Address, Object] = {}
        for column in self._catalog.of(Column):
            if column.identity:
                schema, name = schema_and_name(column.identity.sequence)
                options, owner = column.identity.options, column.address
                counter = SequenceObject(schema=schema, name=name, options=options, owned_by=owner)
                counters[counter.address] = counter
        return counters


def _recreated(
    steps: Sequence[Step], before: Mapping[Address, Object], after: Mapping[Address, Object]
) -> Iterator[_Recreated]:
    """Yield the objects that are on both sides, but not in between."""
    gone: dict[Address, int] = {}
    again: set[Address] = set()
    for number, step in enumerate(steps):
        for address in _created(step, after):
            old, new = before.get(address), after.get(address)
            if old is None or new is None or address.kind not in KINDS or address in again:
                continue
            if (lost := _lost(address, old, gone)) is not None:
                again.add(address)
                remembered = entry(address, old, new, before, after)
                yield _Recreated(address, remembered, lost, _end(steps, number))
        for address in _dropped(step, before):
            gone.setdefault(address, number)


def _created(step: Step, after: Mapping[Address, Object]) -> Iterator[Address]:
    """Yield the objects that a step creates, or gives the name of one that is gone."""
    operation, address = step.operation, step.address
    if isinstance(operation, RenameColumn):
        yield address._replace(part=operation.name)
    elif step.verb in {"create", "rename"}:
        yield address
    if isinstance(operation, CreateTable):
        yield from (constraint.address for constraint in operation.constraints)
    if isinstance(operation, AddIdentity):
        yield from _counter(after.get(address))


def _dropped(step: Step, before: Mapping[Address, Object]) -> Iterator[Address]:
    """Yield the objects that a step drops, or renames to make room for another one."""
    aside = step.verb == "rename" and step.address.kind in ASIDE
    if step.verb == "drop" or aside:
        yield step.address
    if step.verb == "drop" or isinstance(step.operation, DropIdentity):
        yield from _counter(before.get(step.address))


def _counter(column: Object | None) -> Iterator[Address]:
    """Yield the sequence of an identity column."""
    if isinstance(column, Column) and column.identity:
        yield Address("sequence", *schema_and_name(column.identity.sequence))


def _lost(address: Address, old: Object, gone: Mapping[Address, int]) -> int | None:
    """Return the step that took an object away: a drop of it, or of what it belongs to."""
    homes = [address]
    if isinstance(old, Index):
        homes.append(old.table)
    elif address.kind in OF_TABLE:
        homes += [address._replace(kind=kind, part="") for kind in ("table", "view")]
    return min((gone[home] for home in homes if home in gone), default=None)


def _end(steps: Sequence[Step], number: int) -> int:
    """Return the last of the steps that complete an object: its comment, its settings."""
    place = steps[number].address[1:3]
    for later, step in enumerate(steps[number + 1 :], number + 1):
        if step.begins or step.outside or step.verb != "alter" or step.address[1:3] != place:
            return later - 1
    return len(steps) - 1


def _with(
    steps: Sequence[Step], groups: Sequence[Sequence[_Recreated]], before: Catalog, after: Catalog
) -> Iterator[Step]:
    """Yield the steps, with those that remember and restore each group of objects."""
    starts: dict[int, list[int]] = defaultdict(list)
    ends: dict[int, int] = {}
    for number, group in enumerate(groups):
        starts[min(each.lost for each in group)].append(number)
        ends[max(each.back for each in group)] = number
    for place, step in enumerate(steps):
        begins = step.begins
        for number in starts[place]:
            group = groups[number]
            rows = tuple(each.entry.row for each in group)
            operation = Remember(_setting(number), rows, group[0].address)
            yield Step(operation, outside=step.outside, begins=begins, unit=step.unit)
            begins = False
        yield replace(step, begins=begins)
        if place in ends:
            group = groups[ends[place]]
            restore = Restore(_setting(ends[place]), group[0].address)
            yield Step(restore, outside=step.outside, unit=step.unit)
            for granted in _granted({each.address for each in group}, before, after):
                yield replace(granted, unit=step.unit)


def _setting(number: int) -> str:
    return f"{SETTING}_{number + 1}" if number else SETTING


def _granted(objects: AbstractSet[Address], before: Catalog, after: Catalog) -> Iterator[Step]:
    """Yield the changes of privileges on objects that have got back those from before.

    Only catalogs that were read with `Filters.grants` have any.
    """
    homes = {address[1:3] for address in objects}
    for old in before.of(Grant):
        new = after.objects.get(old.address)
        if old.target[1:3] in homes and isinstance(new, Grant | None) and old != new:
            nothing = replace(old, privileges=(), grantable=())
            major = min(before.lowest_major, after.lowest_major)
            yield from grants.changes(old, new or nothing, "alter", major)
