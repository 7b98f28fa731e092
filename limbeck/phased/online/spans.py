"""Spans: steps that must run in one transaction, from the drop of an object to its re-creation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.column_operations import (
    AddColumn,
    AlterDefault,
    AlterType,
    DropColumn,
    RenameColumn,
)
from limbeck.schema.diff.operations import RenameTable
from limbeck.schema.diff.steps import Step

TYPES = frozenset({"enum", "domain", "composite", "range"})


def held(steps: Sequence[Step]) -> list[tuple[int, int]]:
    """Return the spans (first, last) that no application may see the inside of, in order.

    The steps of a diff name their units. Those of a recipe, and the renames before a diff, do not:
    for them all that is between the loss of an object, a name or a default and its return counts.

    Args:
        steps: The steps of the change.

    """
    spans = [*_of_units(steps), *_again(steps), *_types(steps), *_parked(steps)]
    spans += [*_defaults(steps), *_names(steps)]
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def _of_units(steps: Sequence[Step]) -> Iterator[tuple[int, int]]:
    """Yield the units of several steps."""
    first = 0
    for unit, group in groupby(steps, key=lambda step: step.unit):
        last = first + len(list(group)) - 1
        if unit is not None and last > first:
            yield first, last
        first = last + 1


def _names(steps: Sequence[Step]) -> Iterator[tuple[int, int]]:
    """Yield where a name is free until another table or column has it."""
    free: dict[tuple[str, ...], int] = {}
    for number, step in enumerate(steps):
        for name in _taken(step):
            if name in free:
                yield free.pop(name), number
        for name in _freed(step):
            free[name] = number


def _freed(step: Step) -> Iterator[tuple[str, ...]]:
    match step.operation:
        case RenameTable(table):
            yield table.schema, table.name
        case RenameColumn(column) | DropColumn(column):
            yield column.schema, column.table, column.name
        case _ if step.verb == "drop" and step.address.kind in {"table", "view"}:
            yield step.address.schema, step.address.name


def _taken(step: Step) -> Iterator[tuple[str, ...]]:
    match step.operation:
        case RenameTable(table, name):
            yield table.schema, name
        case RenameColumn(column, name):
            yield column.schema, column.table, name
        case AddColumn(column):
            yield column.schema, column.table, column.name
        case _ if step.verb == "create" and step.address.kind in {"table", "view"}:
            yield step.address.schema, step.address.name


def _again(steps: Sequence[Step]) -> Iterator[tuple[int, int]]:
    """Yield where an object is dropped and created again."""
    gone: dict[Address, int] = {}
    for number, step in enumerate(steps):
        if step.verb == "drop":
            gone[step.address] = number
        elif step.verb == "create" and step.address in gone:
            yield gone.pop(step.address), number


def _types(steps: Sequence[Step]) -> Iterator[tuple[int, int]]:
    """Yield where a replaced type has a temporary name: from its rename to its drop."""
    places: dict[Address, list[int]] = defaultdict(list)
    for number, step in enumerate(steps):
        if step.address.kind in TYPES and not step.outside:
            places[step.address].append(number)
    for numbers in places.values():
        if any(steps[number].verb == "create" for number in numbers[1:]):
            yield numbers[0], numbers[-1]


def _parked(steps: Sequence[Step]) -> Iterator[tuple[int, int]]:
    """Yield where a column has another type until the type inside of its own is changed."""
    since: dict[Address, int] = {}
    for number, step in enumerate(steps):
        if isinstance(step.operation, AlterType) and step.operation.parks:
            if step.address in since:
                yield since.pop(step.address), number
            else:
                since[step.address] = number


def _defaults(steps: Sequence[Step]) -> Iterator[tuple[int, int]]:
    """Yield where a column has no default between two: an INSERT would fail or store NULL."""
    without: dict[Address, int] = {}
    for number, step in enumerate(steps):
        if not isinstance(step.operation, AlterDefault):
            continue
        if step.operation.after.default is None:
            without[step.address] = number
        elif step.address in without:
            yield without.pop(step.address), number
