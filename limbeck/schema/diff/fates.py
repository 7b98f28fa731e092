"""What becomes of each part: it is created, dropped, altered in place or replaced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff import casts, descent, sql, unproven
from limbeck.schema.diff.kinds import KINDS
from limbeck.schema.diff.part import Default, Required, derived, owner, sub
from limbeck.schema.diff.parts import Parts
from limbeck.schema.diff.situation import Alteration, Situation
from limbeck.schema.sql.lexer import identifiers

TYPES = frozenset({"enum", "domain", "composite", "range", "collation"})
# What can be dropped and created again without losing anything.
REPLACEABLE = frozenset(
    {"default", "constraint", "domain_check", "index", "view", "function", "rule", "trigger"}
    | {"policy", "statistics", "not_null"}
)
# What Postgres refuses to keep while a column that it uses changes its type.
BRITTLE = frozenset({"view", "rule", "policy", "trigger", "function", "publication"})


@dataclass(slots=True)
class Fates:
    """The fate of each part that has one: create, drop, replace or alter.

    `retyped` are columns that change with their type, `hard` is what lets go of its users, and
    `parted` are types of which the new one has to be there before the old one can go.
    """

    before: Parts
    after: Parts
    fate: dict[Address, str] = field(default_factory=dict)
    copies: Mapping[Address, Sequence[Address]] = field(default_factory=dict)
    retyped: set[Address] = field(default_factory=set)
    hard: set[Address] = field(default_factory=set)
    parted: set[Address] = field(default_factory=set)

    def situation(self) -> Situation:
        """Return what statements have to know, as far as it is decided."""
        created = frozenset(a for a, fate in self.fate.items() if fate in {"create", "replace"})
        return Situation(self.before, self.after, created, _asides(self), frozenset(self.retyped))

    def gone(self, address: Address) -> bool:
        """Tell whether a part of the old side goes, for good or to be replaced."""
        return self.fate.get(address) in {"drop", "replace"}

    def alteration(self, address: Address, situation: Situation) -> Alteration | None:
        """Return how to alter what is on both sides."""
        alter = KINDS[address.kind].alter
        return alter(self.before[address], self.after[address], situation)


def decide(before: Parts, after: Parts) -> Fates:
    """Decide on what differs, and on what has to give way to it."""
    fates = Fates(before, after, copies=_copies(before))
    situation = fates.situation()
    for address in sorted(before.found.keys() | after.found.keys()):
        _decide_one(fates, address, situation)
    for address in sorted(fates.hard):
        table = Address("table", address.schema, address.name)
        if address.kind == "column" and _partitions_by(fates.before, table, address.part):
            fates.fate[table] = "replace"
    _disown(fates)
    fates.fate.update(dict.fromkeys(unproven.renewed(before, after, fates.fate), "replace"))
    _spread(fates, list(fates.fate))
    return fates


def _disown(fates: Fates) -> None:
    """Give a partition its parent anew where a NOT NULL shall be no longer its own as well.

    Postgres has no statement that only says so.
    """
    for address in [at for at, fate in fates.fate.items() if fate == "alter"]:
        before, after = fates.before[address], fates.after[address]
        if isinstance(before, Required) and isinstance(after, Required):
            tie = sub(owner(address), "attachment")
            lost = after.constraint.inherited and not before.constraint.inherited
            if lost and tie in fates.before and tie in fates.after:
                fates.fate[tie] = "replace"


def _partitions_by(parts: Parts, table: Address, column: str) -> bool:
    """Tell whether a column is in a partition key, where its type cannot change."""
    found = parts.found.get(table)
    key = found.partition_key if isinstance(found, Table) else None
    return key is not None and column in identifiers(key)


def _decide_one(fates: Fates, address: Address, situation: Situation) -> None:
    if address not in fates.after:
        fates.fate[address] = "drop"
    elif address not in fates.before:
        fates.fate[address] = "create"
    elif fates.before[address] != fates.after[address]:
        alteration = fates.alteration(address, situation)
        fates.fate[address] = "alter" if alteration else "replace"
        if alteration and alteration.hard:
            fates.hard.add(address)


def _spread(fates: Fates, todo: list[Address]) -> None:
    """Replace what uses something that goes or changes too hard, and what uses that."""
    while todo:
        used = todo.pop()
        if not fates.gone(used) and used not in fates.hard:
            continue
        known = {*fates.before.users[used], *fates.copies.get(used, ())}
        known |= _above(fates, used)
        users = [user for user in sorted(known) if not fates.gone(user)]
        todo += [user for user in users if _react(fates, user, used)]


def give_way(fates: Fates, circle: Iterable[tuple[str, Address]]) -> bool:
    """Replace what was to be altered in place in a circle; tell whether there was any.

    Else a type that is replaced goes out of the way of the new one.
    """
    nodes = sorted(circle)
    altered = [at for verb, at in nodes if verb == "alter" and at.kind in REPLACEABLE]
    for address in altered:
        fates.fate[address] = "replace"
    _spread(fates, list(altered))
    replaced = (at for verb, at in nodes if verb == "create" and at.kind in TYPES)
    parted = [at for at in replaced if fates.gone(at) and at not in fates.parted]
    if not altered:
        fates.parted.update(parted[:1])
    return bool(altered or parted)


def _react(fates: Fates, user: Address, used: Address) -> bool:
    """Let one part react to another's fate; tell whether its own is a new one."""
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
    """Return the index that an index cannot leave alone, if its table stays a partition."""
    index = fates.before.found.get(used)
    if not isinstance(index, Index) or not index.parent or not fates.gone(used):
        return set()
    tie = sub(index.table, "attachment")
    stays = not fates.gone(tie) and not fates.gone(index.table)
    return {index.parent} if stays else set()


def _copies(before: Parts) -> Mapping[Address, Sequence[Address]]:
    """Return the keys, foreign keys and indexes of partitions that go with those above."""
    found: dict[Address, list[Address]] = defaultdict(list)
    for address, part in before.found.items():
        copied = isinstance(part, Index) or (isinstance(part, Constraint) and part.type != "c")
        if copied and derived(part) and (above := descent.counterpart(before, address)):
            found[above].append(address)
    return found


def _to_loss(fates: Fates, user: Address, used: Address) -> str | None:
    if user in fates.copies.get(used, ()) or user in _above(fates, used):
        part = fates.before[user]
        child = part.table if isinstance(part, Index) else owner(user)
        detached = fates.gone(sub(child, "attachment")) or user not in fates.after
        return None if detached else "replace"
    replaced = fates.fate[used] == "replace"
    if user.kind in {"schema", "extension", "sequence"}:
        return None
    if user.kind == "table":
        return "replace" if used.kind == "server" else None
    escapes = fates.fate.get(user) == "alter" and used not in fates.after.needs[user]
    if user.kind == "ownership":  # the sequence would be dropped with the column
        return "replace"
    if user.kind == "column" and used.kind in TYPES | {"extension"}:
        return "retype" if replaced and not escapes else None
    # A composite type keeps its rows when it lets go of one that is made anew.
    return None if escapes and (user.kind == "composite" or not replaced) else "replace"


def _to_change(fates: Fates, user: Address, used: Address) -> str | None:
    if used.kind == "composite":
        return "replace" if user.kind in {"view", "rule"} else None
    if user.kind in BRITTLE:
        return "replace"
    before, after, part = fates.before[used], fates.after[used], fates.before[user]
    if not isinstance(before, Column) or not isinstance(after, Column):
        return None
    if user.kind == "column":
        return "replace"
    if isinstance(part, Default) or (isinstance(part, Constraint) and part.type == "f"):
        alike = casts.integers(before.type, after.type) or (
            casts.base(before.type) == casts.base(after.type) and used not in fates.retyped
        )
        return None if alike else "replace"
    return None


def _asides(fates: Fates) -> dict[Address, str]:
    """Name the types that stay, out of the way, until no column is of them any more."""
    taken = {address[1:3] for address in (*fates.before.found, *fates.after.found)}
    asides = {}
    for address in _moved(fates):
        name = sql.chosen_name(address.name, "", "old")
        while (address.schema, name) in taken:
            name = sql.chosen_name(name, "", "old")
        asides[address] = name
    return asides


def _moved(fates: Fates) -> Iterable[Address]:
    for address, fate in fates.fate.items():
        if fate == "replace" and address.kind in TYPES:
            users = fates.before.users[address]
            kept = any(user.kind in TYPES or user in fates.retyped for user in users)
            if kept or address in fates.parted:
                yield address
