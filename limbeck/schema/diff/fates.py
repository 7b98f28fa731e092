"""The fate of each part: create, drop, alter in place, or replace (drop and create again).

`compare` calls `decide` first. A part that differs is altered if Postgres can, else replaced. Then
the consequences spread: what uses a dropped part has to go as well, and Postgres refuses to change
the type of a column while a view uses it. `ordering` makes actions of the fates. If their order has
a circle that no unfolding opens, `give_way` changes a fate and all is ordered again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff import casts, constraints, descent, parking, rivals, stale, unproven
from limbeck.schema.diff.kinds import KINDS
from limbeck.schema.diff.part import Default, Required, derived, owner, sub
from limbeck.schema.diff.parts import Parts
from limbeck.schema.diff.situation import Alteration, Situation
from limbeck.schema.diff.stale import Stale
from limbeck.schema.sql.lexer import identifiers

TYPES = frozenset({"enum", "domain", "composite", "range", "collation"})
# Kinds whose address has the name of their table.
OF_TABLE = frozenset({"column", "default", "not_null", "identity", "constraint", "trigger"}) | {
    "policy",
    "rule",
}
# Parts that can be dropped and created again without losing data.
REPLACEABLE = frozenset(
    {"default", "constraint", "domain_check", "index", "view", "function", "rule", "trigger"}
    | {"policy", "statistics", "not_null"}
)
# Objects that Postgres refuses to keep while a column that they use changes its type; indexes and
# constraints it rebuilds itself. Source: RememberAllDependentForRebuilding() in tablecmds.c.
BRITTLE = frozenset({"view", "rule", "policy", "trigger", "function", "publication"})


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


def decide(before: Parts, after: Parts, using: Mapping[Address, str]) -> Fates:
    """Decide the fate of all parts that differ, and of those that have to give way to them.

    The order matters: partition keys, NOT NULLs and checks turn single fates into "replace", and
    `_spread` runs last because it follows each replaced part to everything that uses it.
    `using` has the expressions that compute the values of a new type, by column.
    """
    before, after, forced = rivals.resolved(before, after)
    fates = Fates(before, after, copies=_copies(before), using=using)
    situation = fates.situation()
    for address in sorted(before.by_address.keys() | after.by_address.keys()):
        _decide_alone(fates, address, situation)
    fates.fate.update((address, "replace") for address in forced if not fates.gone(address))
    _rekey(fates, fates.hard)
    _disown(fates)
    lost = (
        address
        for address, part in before.by_address.items()
        if isinstance(part, Constraint) and constraints.lost_by_detaching(part, situation)
    )
    fates.fate.update((address, "replace") for address in lost if address in after)
    fates.fate.update(dict.fromkeys(unproven.renewed(before, after, fates.fate), "replace"))
    _renew(fates, situation.major)
    todo = list(fates.fate)
    while todo:
        _spread(fates, todo)
        todo = parking.park(fates)
        todo += _rekey(fates, todo)
    return fates


def _rekey(fates: Fates, columns: Iterable[Address]) -> list[Address]:
    """Replace the tables whose partition key has an altered column, and return them."""
    tables = [
        table
        for address in sorted(columns)
        if address.kind == "column"
        and _partitions_by(fates.before, table := owner(address), address.part)
    ]
    fates.fate.update(dict.fromkeys(tables, "replace"))
    return tables


def _renew(fates: Fates, major: int) -> None:
    """Have the parts rebuilt that hold what a changed function has computed."""
    fates.stale = stale.dependants(fates.before, fates.after, fates.fate)
    for address, each in fates.stale.items():
        remedy = stale.remedy(each.part, major)
        if remedy and address in fates.before and not fates.gone(address):
            fates.fate[address] = remedy


def _decide_alone(fates: Fates, address: Address, situation: Situation) -> None:
    """Decide a fate by the part itself, whatever uses it."""
    if address not in fates.after:
        fates.fate[address] = "drop"
    elif address not in fates.before:
        fates.fate[address] = "create"
    elif fates.before[address] != fates.after[address]:
        alteration = fates.alteration(address, situation)
        fates.fate[address] = "alter" if alteration else "replace"
        if alteration and alteration.hard:
            fates.hard.add(address)


def _disown(fates: Fates) -> None:
    """Re-attach a partition whose NOT NULL constraint must become inherited only.

    No statement clears conislocal alone. ATTACH PARTITION does: the constraint merges with the
    parent's, and is inherited from then on.
    """
    for address in [at for at, fate in fates.fate.items() if fate == "alter"]:
        before, after = fates.before[address], fates.after[address]
        if isinstance(before, Required) and isinstance(after, Required):
            tie = sub(owner(address), "attachment")
            lost = after.constraint.inherited and not before.constraint.inherited
            if lost and tie in fates.before and tie in fates.after:
                fates.fate[tie] = "replace"


def _partitions_by(parts: Parts, table: Address, column: str) -> bool:
    """Return whether a column is in a partition key; Postgres then refuses to change its type."""
    item = parts.get(table)
    key = item.partition_key if isinstance(item, Table) else None
    return key is not None and column in identifiers(key)


def _spread(fates: Fates, todo: list[Address]) -> None:
    """Spread the fates of dropped and hard-altered parts to their users, and on to theirs."""
    while todo:
        used = todo.pop()
        if not fates.gone(used) and used not in fates.hard:
            continue
        known = {*fates.before.users[used], *fates.copies.get(used, ())}
        known |= _above(fates, used)
        users = [user for user in sorted(known) if not fates.gone(user)]
        todo += [user for user in users if _react(fates, user, used)]


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
    _spread(fates, list(altered))
    types = TYPES - {"range"}
    replaced = (at for verb, at in nodes if verb == "create" and at.kind in types)
    parted = [at for at in replaced if fates.gone(at) and at not in fates.parted]
    if not altered:
        fates.parted.update(parted[:1])
    return bool(altered or parted)


def _react(fates: Fates, user: Address, used: Address) -> bool:
    """Adapt the fate of a part to that of one it uses; return whether it changed."""
    reaction = _to_loss(fates, user, used) if fates.gone(used) else _to_change(fates, user, used)
    if reaction == "replace":
        fates.fate[user] = "replace"
    elif reaction == "retype" and user not in fates.retyped:
        fates.retyped.add(user)
        fates.hard.add(user)
        fates.fate[user] = "alter"
    else:
        return False
    return True


def _above(fates: Fates, used: Address) -> set[Address]:
    """Return the parent's index or key of a partition's that is dropped.

    Postgres refuses to drop an attached index alone, so the parent's is replaced, unless the
    partition is detached or dropped.
    """
    above = descent.attached(fates.before, used) if fates.gone(used) else None
    item = fates.before.get(used)
    if above is None or not isinstance(item, Index | Constraint):
        return set()
    table = descent.table_of(item)
    stays = not fates.gone(sub(table, "attachment")) and not fates.gone(table)
    return {above} if stays else set()


def _copies(before: Parts) -> Mapping[Address, Sequence[Address]]:
    """Return the keys, foreign keys and indexes of partitions, by the parent's they go with."""
    copies: dict[Address, list[Address]] = defaultdict(list)
    for address, part in before.by_address.items():
        if isinstance(part, Index) or (isinstance(part, Constraint) and part.type != "c"):
            above = descent.counterpart(before, address) if derived(part) else None
            if above := above or descent.attached(before, address):
                copies[above].append(address)
    return copies


def _to_loss(fates: Fates, user: Address, used: Address) -> str | None:
    """Return the reaction of a part to the drop of one that it uses."""
    if user in fates.copies.get(used, ()) or user in _above(fates, used):
        part = fates.before[user]
        child = part.table if isinstance(part, Index) else owner(user)
        detached = fates.gone(sub(child, "attachment")) or user not in fates.after
        return None if detached else "replace"
    replaced = fates.fate[used] == "replace"
    # These hold data or other objects, and stay without what they used.
    if user.kind in {"schema", "extension", "sequence"}:
        return None
    if user.kind == "table":
        return "replace" if used.kind == "server" else None
    # A part that is altered may stop using the dropped one in that very statement.
    escapes = fates.fate.get(user) == "alter" and used not in fates.after.needs[user]
    if user.kind == "ownership":  # DROP of the column would drop the sequence
        return "replace"
    if user.kind == "column" and used.kind in TYPES | {"extension"}:
        # A column keeps its values: it changes to the new type before the old one is dropped.
        return "retype" if replaced and not escapes else None
    # If the used part is re-created, only a composite type is spared: tables may have rows of it.
    return None if escapes and (user.kind == "composite" or not replaced) else "replace"


def _to_change(fates: Fates, user: Address, used: Address) -> str | None:
    """Return the reaction of a part to the change of a column or type that it uses."""
    if used.kind == "composite":
        return "replace" if user.kind in {"view", "rule"} else None
    # As text, a parked column may have no operators like those of its type.
    if user.kind in BRITTLE or (
        user.kind in {"index", "constraint"} and fates.parked.get(used) == "text"
    ):
        return "replace"
    before, after, part = fates.before[used], fates.after[used], fates.before[user]
    if not isinstance(before, Column) or not isinstance(after, Column):
        return None
    if user.kind == "column":  # a generated column: its expression has the old type
        return "replace"
    if isinstance(part, Default) or (isinstance(part, Constraint) and part.type == "f"):
        # Postgres converts a default, and re-checks a foreign key, only between types that it can
        # compare: integers among each other, or one type with another length.
        alike = casts.integers(before.type, after.type) or (
            casts.base(before.type) == casts.base(after.type) and used not in fates.retyped
        )
        return None if alike else "replace"
    return None


def _asides(fates: Fates) -> dict[Address, str]:
    """Return temporary names for the replaced types that columns still have."""
    taken = {address[1:3] for parts in (fates.before, fates.after) for address in parts.by_address}
    asides = {}
    for address in _moved(fates):
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
