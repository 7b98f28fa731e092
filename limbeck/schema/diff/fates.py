"""The fate of each part of a change: create, drop, alter in place, or replace (drop and create).

`deciding` makes the fates, `consequences` spreads them to what uses a changed part, and `ordering`
makes actions of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff import parking
from limbeck.schema.diff.kinds import KINDS
from limbeck.schema.diff.part import owner
from limbeck.schema.diff.parts import Parts
from limbeck.schema.diff.situation import Alteration, Situation
from limbeck.schema.diff.slicing import whole
from limbeck.schema.diff.stale import Stale

TYPES = frozenset({"enum", "domain", "composite", "range", "collation"})
# Kinds whose address has the name of their table.
OF_TABLE = frozenset({"column", "default", "not_null", "identity", "constraint", "trigger"}) | {
    "policy",
    "rule",
}


@dataclass(slots=True)
class Fates:
    """The fates of all parts that differ or have to give way.

    Attributes:
        before: The parts of the schema before the change.
        after: The parts of the schema after it.
        fate: "create", "drop", "alter" or "replace" by address.
        copies: The copies on partitions that are dropped with a part.
        retyped: The columns that change their type only because a type is replaced.
        hard: The altered parts whose users are dropped meanwhile.
        parked: The type that a column has while a type inside of its own is changed.
        parted: The replaced types whose new one must exist before the old one is dropped.
        using: The expressions that compute the values of a new type, by column.
        stale: The parts that hold what a changed function has computed.

    """

    before: Parts
    after: Parts
    fate: dict[Address, str] = field(default_factory=dict)
    copies: Mapping[Address, Sequence[Address]] = field(default_factory=dict)
    retyped: set[Address] = field(default_factory=set)
    hard: set[Address] = field(default_factory=set)
    parked: dict[Address, str] = field(default_factory=dict)
    parted: set[Address] = field(default_factory=set)
    using: Mapping[Address, str] = field(default_factory=dict)
    stale: Mapping[Address, Stale] = field(default_factory=dict)

    def situation(self) -> Situation:
        """Return the situation for rendering statements, as far as it is decided."""
        created = frozenset(a for a, fate in self.fate.items() if fate in {"create", "replace"})
        return Situation(
            self.before,
            self.after,
            created,
            _asides(self),
            frozenset(self.retyped),
            parked=self.parked,
            using=self.using,
        )

    def gone(self, address: Address) -> bool:
        """Return whether a part is dropped, for good or to be created again."""
        return self.fate.get(address) in {"drop", "replace"}

    def table(self, node: tuple[str, Address]) -> Address | None:
        """Return the table that an action is on, if it exists before and after the change."""
        _, address = node
        part = self.after.get(address) or self.before.get(address)
        at = part.table if isinstance(part, Index) else owner(address)
        exists = at in self.before and at in self.after
        return at if exists and address.kind in OF_TABLE | {"index", "table"} else None

    def alteration(self, address: Address, situation: Situation) -> Alteration | None:
        """Return how to alter a part that is on both sides; None if it has to be replaced."""
        alter = KINDS[address.kind].alter
        return alter(self.before[address], self.after[address], situation)


def _asides(fates: Fates) -> dict[Address, str]:
    """Return temporary names for the replaced types that columns still have."""
    asides: dict[Address, str] = {}
    if not (replaced := [*_moved(fates)]):
        return asides
    catalogs = (whole(parts.catalog) for parts in (fates.before, fates.after))
    taken = {address[1:3] for catalog in catalogs for address in catalog.objects}
    for address in replaced:
        name = chosen_name(address.name, "", "old")
        while (address.schema, name) in taken:
            name = chosen_name(name, "", "old")
        asides[address] = name
    return asides


def _moved(fates: Fates) -> Iterable[Address]:
    """Yield the replaced types that cannot be dropped before the new one exists."""
    for address, fate in fates.fate.items():
        if fate == "replace" and address.kind in TYPES and not parking.over_range(fates, address):
            users = fates.before.users[address]
            used = any(user.kind in TYPES or user in fates.retyped for user in users)
            if used or address in fates.parted:
                yield address
