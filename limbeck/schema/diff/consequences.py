"""The consequences of a fate: what uses a dropped or altered part has to go or to change as well.

`deciding` calls `spread` with the parts whose fates are decided, which follows each of them to
everything that uses it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff import casts, descent
from limbeck.schema.diff.fates import TYPES, Fates
from limbeck.schema.diff.part import Default, derived, owner, sub
from limbeck.schema.diff.parts import Parts

# Objects that Postgres refuses to keep while a column that they use changes its type; indexes and
# constraints it rebuilds itself. Source: RememberAllDependentForRebuilding() in tablecmds.c.
BRITTLE = frozenset({"view", "rule", "policy", "trigger", "function", "publication"})


def copies(before: Parts) -> Mapping[Address, Sequence[Address]]:
    """Return the keys, foreign keys and indexes of partitions, by the parent's they go with."""
    groups: dict[Address, list[Address]] = defaultdict(list)
    for address, part in before.by_address.items():
        if isinstance(part, Index) or (isinstance(part, Constraint) and part.type != "c"):
            above = descent.counterpart(before, address) if derived(part) else None
            if above := above or descent.attached(before, address):
                groups[above].append(address)
    return groups


def spread(fates: Fates, todo: list[Address]) -> None:
    """Spread the fates of dropped and hard-altered parts to their users, and on to theirs."""
    while todo:
        used = todo.pop()
        if not fates.gone(used) and used not in fates.hard:
            continue
        known = {*fates.before.users[used], *fates.copies.get(used, ())}
        known |= _above(fates, used)
        users = [user for user in sorted(known) if not fates.gone(user)]
        todo += [user for user in users if _react(fates, user, used)]


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
