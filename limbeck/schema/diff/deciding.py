"""Decide the fates of a change: which parts are created, dropped, altered or replaced.

`compare` calls `decide` first. A part that differs is altered if Postgres can, else replaced. Then
the consequences spread: what uses a dropped part has to go as well, and Postgres refuses to change
the type of a column while a view uses it. If the order of the actions has a circle that no
unfolding opens, `give_way` changes a fate and all is ordered again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.diff import (
    consequences,
    constraints,
    parking,
    renewing,
    rivals,
    unproven,
)
from limbeck.schema.diff.fates import TYPES, Fates
from limbeck.schema.diff.parts import Parts
from limbeck.schema.diff.situation import Situation

# Parts that can be dropped and created again without losing data.
REPLACEABLE = frozenset(
    {"default", "constraint", "domain_check", "index", "view", "function", "rule", "trigger"}
    | {"policy", "statistics", "not_null"}
)


def decide(before: Parts, after: Parts, using: Mapping[Address, str]) -> Fates:
    """Decide the fate of all parts that differ, and of those that have to give way to them.

    The order matters: partition keys, NOT NULLs and checks turn single fates into "replace", and
    `spread` runs last because it follows each replaced part to everything that uses it.
    `using` has the expressions that compute the values of a new type, by column.
    """
    before, after, forced = rivals.resolved(before, after)
    fates = Fates(before, after, copies=consequences.copies(before), using=using)
    situation = fates.situation()
    addresses = before.by_address.keys() | after.by_address.keys()
    different = (each for each in addresses if before.get(each) != after.get(each))
    for address in sorted(different):
        _decide_alone(fates, address, situation)
    fates.fate.update((address, "replace") for address in forced if not fates.gone(address))
    renewing.rekey(fates, fates.hard)
    renewing.disown(fates)
    lost = (
        address
        for address, part in before.by_address.items()
        if isinstance(part, Constraint) and constraints.lost_by_detaching(part, situation)
    )
    fates.fate.update((address, "replace") for address in lost if address in after)
    fates.fate.update(dict.fromkeys(unproven.renewed(before, after, fates.fate), "replace"))
    renewing.renew(fates, situation.major)
    todo = list(fates.fate)
    while todo:
        consequences.spread(fates, todo)
        todo = parking.park(fates)
        todo += renewing.rekey(fates, todo)
    return fates


def _decide_alone(fates: Fates, address: Address, situation: Situation) -> None:
    """Decide the fate of a part that differs by the part itself, whatever uses it."""
    if address not in fates.after:
        fates.fate[address] = "drop"
    elif address not in fates.before:
        fates.fate[address] = "create"
    else:
        alteration = fates.alteration(address, situation)
        fates.fate[address] = "alter" if alteration else "replace"
        if alteration and alteration.hard:
            fates.hard.add(address)


def give_way(fates: Fates, circle: Iterable[tuple[str, Address]]) -> bool:
    """Change fates to open a circle that `Graph.settle` could not; return whether that is possible.

    A part that is replaced instead of altered can be dropped early and created late, so it needs
    nothing in between. Only parts without data are. If there is none, a replaced type is renamed
    instead of dropped first: its columns then move to the new type, and the old one is dropped
    last. One type at a time, since each can open the circle alone.
    """
    nodes = sorted(circle)
    altered = [at for verb, at in nodes if verb == "alter" and at.kind in REPLACEABLE]
    for address in altered:
        fates.fate[address] = "replace"
    consequences.spread(fates, list(altered))
    types = TYPES - {"range"}
    replaced = (at for verb, at in nodes if verb == "create" and at.kind in types)
    parted = [at for at in replaced if fates.gone(at) and at not in fates.parted]
    if not altered:
        fates.parted.update(parted[:1])
    return bool(altered or parted)
