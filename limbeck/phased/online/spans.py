"""Spans: steps that must run in one transaction, from the drop of an object to its re-creation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from limbeck.phased.online.scene import Scene
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.column_operations import AlterDefault
from limbeck.schema.diff.operations import AddConstraint, CreateIndex
from limbeck.schema.diff.steps import Step

TYPES = frozenset({"enum", "domain", "composite", "range"})


def replacements(steps: Sequence[Step], scene: Scene) -> dict[int, int]:
    """Return the replaced indexes and unique constraints: the place of the drop, of the create.

    No step between changes the same table, so the new one can be built before the drop.
    """
    return {first: last for first, last in _again(steps) if _loose(steps[first : last + 1], scene)}


def _loose(steps: Sequence[Step], scene: Scene) -> bool:
    _, *between, created = steps
    table = scene.locks(created)
    return (
        _unique(created, scene) and bool(table) and not any(scene.locks(s) & table for s in between)
    )


def _unique(step: Step, scene: Scene) -> bool:
    match step.operation:
        case CreateIndex(index):
            # With the index of a partitioned table go those of its partitions, and their names.
            return scene.plain(index.table)
        case AddConstraint(constraint):
            return constraint.type in "pu" and "WITHOUT OVERLAPS" not in constraint.definition
    return False


def held(steps: Sequence[Step], loose: dict[int, int]) -> list[tuple[int, int]]:
    """Return the spans (first, last) that no application may see the inside of, in order.

    Args:
        steps: The steps of the change.
        loose: The replacements, which need no span.

    """
    spans = [span for span in _again(steps) if loose.get(span[0]) != span[1]]
    spans += [*_types(steps), *_defaults(steps)]
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


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
