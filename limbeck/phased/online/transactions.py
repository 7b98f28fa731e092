"""Group steps into transactions, each of which locks at most one table in use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TypeAlias

from limbeck.phased.online.scene import Scene
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.steps import Step

Together: TypeAlias = tuple[Step, ...]
"""Steps that must be in one transaction."""

ALONE = "Each in a transaction of its own, so that only one table is locked at a time."


def split(units: Iterable[Together], scene: Scene) -> tuple[Step, ...]:
    """Return the steps of the units, marked where another transaction has to begin.

    A transaction that waits for its second lock keeps the first one, and so makes all users of the
    first table wait as well. With one table a transaction, each waits for itself only.
    """
    return tuple(_marked(list(_grouped(units, scene))))


def _grouped(units: Iterable[Together], scene: Scene) -> Iterator[list[Step]]:
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
    for group, following in zip_longest(groups, groups[1:]):
        kind = _kind(group, former, following)
        if kind == "alone":
            note = ALONE if former == "transaction" else None
            yield replace(group[0], outside=True, note=_joined(note, group[0].note))
        elif kind == "transaction" and former == "transaction":
            yield replace(group[0], begins=True)
            yield from group[1:]
        else:
            yield from group
        former = kind


def _kind(group: Sequence[Step], former: str, following: Sequence[Step] | None) -> str:
    if group[0].outside:
        return "outside"
    # A statement outside of a transaction block is a transaction by itself. It also ends the one
    # before, and begins the one after it, which otherwise takes a block of its own.
    more = former in {"transaction", "alone"} or (
        former == "outside" and following is not None and not following[0].outside
    )
    return "alone" if len(group) == 1 and more else "transaction"


def _joined(*notes: str | None) -> str | None:
    return " ".join(note for note in notes if note) or None
