"""Group steps into transactions, each of which locks at most one table in use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from limbeck.phased.online.scene import Scene
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.steps import Step

Unit: TypeAlias = tuple[Step, ...]
"""Steps that must be in one transaction."""

ALONE = "Each in a transaction of its own, so that only one table is locked at a time."


def split(units: Iterable[Unit], scene: Scene) -> tuple[Step, ...]:
    """Return the steps of the units, marked where another transaction has to begin.

    A transaction that waits for its second lock keeps the first one, and so makes all users of the
    first table wait as well. With one table a transaction, each waits for itself only.
    """
    return tuple(_marked(list(_grouped(units, scene))))


def _grouped(units: Iterable[Unit], scene: Scene) -> Iterator[list[Step]]:
    group: list[Step] = []
    locked: frozenset[Address] = frozenset()
    for unit in units:
        wanted = frozenset[Address]().union(*map(scene.locks, unit))
        apart = unit[0].outside or (group and group[-1].outside)
        if group and (apart or (locked and not wanted <= locked)):
            yield group
            group, locked = [], frozenset()
        group.extend(unit)
        locked |= wanted
    if group:
        yield group


def _marked(groups: Sequence[list[Step]]) -> Iterator[Step]:
    former = "nothing"
    for group in groups:
        kind = _kind(group, former)
        if kind == "alone":
            note = ALONE if former != "alone" else None
            yield replace(group[0], outside=True, note=_joined(note, group[0].note))
        elif kind == "transaction" and former == "transaction":
            yield replace(group[0], begins=True)
            yield from group[1:]
        else:
            yield from group
        former = kind


def _kind(group: Sequence[Step], former: str) -> str:
    if group[0].outside:
        return "outside"
    if len(group) == 1 and former in {"transaction", "alone"}:
        return "alone"  # a statement outside of a transaction block is a transaction by itself
    return "transaction"


def _joined(*notes: str | None) -> str | None:
    return " ".join(note for note in notes if note) or None
