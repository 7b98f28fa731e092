"""Keys and indexes of partitions that are like one from above, so that Postgres may confuse them.

A new index of a partitioned table, and ATTACH PARTITION, take any index of the partition that is
alike and has no parent yet (DefineIndex() in src/backend/commands/indexcmds.c,
AttachPartitionEnsureIndexes() in tablecmds.c). Where a partition has one of its own, or its parent
has two, this is a matter of chance. Such keys and indexes are created as pg_dump does: those of the
partitions first, then the parent's ON ONLY the parent, then ALTER INDEX ... ATTACH PARTITION.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff import descent
from limbeck.schema.diff.part import Attachment, Part, derived, owner, sub
from limbeck.schema.diff.parts import Parts


@dataclass(frozen=True, slots=True)
class _Family:
    """The indexes and keys of the tables of one partition tree that are alike, on both sides."""

    before: AbstractSet[Address]
    after: AbstractSet[Address]


def resolved(before: Parts, after: Parts) -> tuple[Parts, Parts, AbstractSet[Address]]:
    """Return the parts of both sides with their `explicit` ones, and what has to be replaced.

    Args:
        before: The parts before the change.
        after: The parts after it.

    """
    if not any(isinstance(part, Attachment) for part in after.by_address.values()):
        return before, after, frozenset()
    rivals: tuple[set[Address], set[Address]] = (set(), set())
    forced: set[Address] = set()
    for family in _families(before, after):
        if _changes(family, before, after) and _confusing(family, before, after):
            rivals[0].update(family.before)
            rivals[1].update(family.after)
            forced |= {*_forced(family, before, after)}
    old, new = (frozenset(side) for side in rivals)
    return replace(before, explicit=old), replace(after, explicit=new), forced


def _families(before: Parts, after: Parts) -> Iterator[_Family]:
    roots: dict[Address, Address] = {}
    for parts in (before, after):
        for part in parts.by_address.values():
            if isinstance(part, Attachment):
                _join(roots, part.table.address, part.parent)
    members: dict[object, tuple[set[Address], set[Address]]] = defaultdict(lambda: (set(), set()))
    for side, parts in enumerate((before, after)):
        for address, part in parts.by_address.items():
            if isinstance(part, Constraint | Index) and descent.table_of(part) in roots:
                nature = descent.nature(part)
                if nature is not None:
                    key = (_root(roots, descent.table_of(part)), nature)
                    members[key][side].add(address)
    return (_Family(*sides) for sides in members.values())


def _root(roots: dict[Address, Address], table: Address) -> Address:
    while roots[table] != table:
        table = roots[table]
    return table


def _join(roots: dict[Address, Address], child: Address, parent: Address) -> None:
    for table in (child, parent):
        roots.setdefault(table, table)
    roots[_root(roots, child)] = _root(roots, parent)


def _changes(family: _Family, before: Parts, after: Parts) -> bool:
    """Return whether a member, its place below another one, or its table's attachment changes."""
    if family.before != family.after:
        return True
    for address in family.after:
        old, new = before[address], after[address]
        tie = sub(_table(new), "attachment")
        if old != new or before.get(tie) != after.get(tie):
            return True
        if descent.attached(before, address) != descent.attached(after, address):
            return True
    return False


def _table(part: Part) -> Address:
    """Return the table of a member; only keys and indexes are members."""
    return part.table if isinstance(part, Index) else owner(part.address)  # type: ignore[union-attr]


def _confusing(family: _Family, before: Parts, after: Parts) -> bool:
    """Return whether Postgres could take a member for another one."""
    sides = ((before, family.before), (after, family.after))
    tables = {_table(parts[at]) for parts, side in sides for at in side}
    above = {table for parts, _ in sides for table in tables if parts.children[table]}
    if not above:
        return False
    for parts, side in sides:
        by_table: dict[Address, list[Address]] = defaultdict(list)
        for address in side:
            by_table[_table(parts[address])].append(address)
        if any(len(own) > 1 for own in by_table.values()):
            return True
        for address in side:
            parent = descent.attached(parts, address)
            mixed = parent is not None and _type(parts, parent) != _type(parts, address)
            own = parent is None and not derived(parts[address])
            if mixed or (own and _table(parts[address]) in _below(above, before, after)):
                return True
    return False


def _below(above: AbstractSet[Address], before: Parts, after: Parts) -> set[Address]:
    """Return the partitions, on either side, of tables that have a member."""
    todo, below = list(above), set[Address]()
    while todo:
        table = todo.pop()
        new = {*before.children[table], *after.children[table]} - below
        below |= new
        todo += new
    return below


def _type(parts: Parts, address: Address) -> str:
    part = parts.get(address)
    return part.type if isinstance(part, Constraint) else "i"


def _forced(family: _Family, before: Parts, after: Parts) -> Iterator[Address]:
    """Yield the members that stay, but whose place among the others cannot be changed otherwise."""
    places = [_places(parts, side) for parts, side in _sides(family, before, after)]
    for address in family.before & family.after:
        table = _table(after[address])
        both = {*before.children[table]} & {*after.children[table]}
        if any(places[0].get((address, c)) != places[1].get((address, c)) for c in both):
            yield address
        rivals = [at for at in family.after if _table(after[at]) == table]
        for child in after.children[table]:
            tie = sub(child, "attachment")
            known = any(_table(before[at]) == child for at in family.before)
            # ATTACH PARTITION takes a primary key for one, ALTER INDEX another key as well.
            mate = places[1].get((address, child), address)
            doubtful = known or len(rivals) > 1 or _type(after, mate) != _type(after, address)
            if before.get(tie) != after.get(tie) and doubtful:
                yield address


def _sides(
    family: _Family, before: Parts, after: Parts
) -> tuple[tuple[Parts, AbstractSet[Address]], ...]:
    return (before, family.before), (after, family.after)


def _places(parts: Parts, side: AbstractSet[Address]) -> Mapping[tuple[Address, Address], Address]:
    """Return the members by the one that they are attached to and their table."""
    return {
        (parent, _table(parts[address])): address
        for address in side
        if (parent := descent.attached(parts, address)) is not None
    }
