"""Steps to transactions, in each of which one table in use is locked at most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from limbeck.phased.online.scene import Scene
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.steps import Step

Unit: TypeAlias = tuple[Step, ...]
"""Steps that nobody may see apart."""

ALONE = "In transactions of their own, so that one table is locked at a time."


def split(units: Iterable[Unit], scene: Scene) -> tuple[Step, ...]:
    """Return the steps of the units; where another transaction has to begin, they say so."""
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
            yield replace(group[0], outside=True, note=_both(note, group[0].note))
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
        return "alone"  # a statement outside of a transaction is one by itself
    return "transaction"


def _both(one: str | None, other: str | None) -> str | None:
    return " ".join(text for text in (one, other) if text) or None
