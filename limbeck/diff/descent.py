"""What partitions and inheriting tables have from their parents."""

from __future__ import annotations

from dataclasses import replace

from limbeck.catalog.objects import Address, Column, Constraint, Index
from limbeck.diff import sql
from limbeck.diff.part import Default, derived, owner
from limbeck.diff.parts import Parts
from limbeck.diff.situation import Situation

PASSED_ON = ("type", "collation", "default", "storage", "compression", "statistics", "options")


def counterpart(parts: Parts, address: Address) -> Address | None:
    """Return the address of the parent's part that a derived part comes from."""
    part = parts.found.get(address)
    if isinstance(part, Index):
        return part.parent
    for parent in parts.parents(owner(address)):
        candidate = address._replace(schema=parent.schema, name=parent.name)
        if candidate in parts and not isinstance(part, Constraint):
            return candidate
        if isinstance(part, Constraint):
            return _constraint(parts, part, parent)
    return None


def _constraint(parts: Parts, part: Constraint, parent: Address) -> Address | None:
    recorded = parts.catalog.depends.get(part.address, ())
    for address in recorded:
        if address.kind == "constraint" and owner(address) == parent:
            return address
    same = part.address._replace(schema=parent.schema, name=parent.name)
    if same in parts:
        return same
    found = (p for p in parts.found.values() if isinstance(p, Constraint))
    alike = (p for p in found if owner(p.address) == parent and p.type == part.type)
    return next((p.address for p in alike if p.definition == part.definition), None)


def follows(parts: Parts, address: Address) -> bool:
    """Tell whether a part is just what its parent table passes on."""
    part = parts[address]
    if isinstance(part, Default):
        above = counterpart(parts, address)
        return part.column.inherited and above is not None and parts[above] == part
    return derived(part)


def leaves_heirs(address: Address, before: Parts, after: Parts) -> bool:
    """Tell whether a child keeps as its own what its parent table loses."""
    if address.kind not in {"column", "constraint"} or address in after:
        return False
    below = before.children[owner(address)]
    heirs = (address._replace(schema=table.schema, name=table.name) for table in below)
    return any(heir in after and heir in before for heir in heirs)


def overtaken(before: Column, after: Column, situation: Situation) -> Column:
    """Return an inherited column as it is once its parent's was altered."""
    above = counterpart(situation.after, after.address)
    if above is None or above not in situation.before:
        return before
    old, new = situation.before[above], situation.after[above]
    if owner(above) in situation.created:  # it is attached once it has the type
        return before
    if above in situation.created:  # so is what it passes on
        handed = {field: getattr(new, field) for field in PASSED_ON}
        return replace(before, generated=after.generated, comment=None, **handed)
    changed = [f for f in PASSED_ON if getattr(old, f) != getattr(new, f)]
    return replace(before, **{field: getattr(new, field) for field in changed})


def expected(part: Constraint | Index) -> bool:
    """Tell whether Postgres would choose this very name for a copy on a partition."""
    if isinstance(part, Constraint):
        label = {"p": "pkey", "u": "key", "x": "excl"}.get(part.type)
        if label is None:
            return True
        names = "" if part.type == "p" else "_".join((*part.columns, *part.include))
        return part.name == sql.chosen_name(part.table, names, label)
    columns = [key.column for key in part.keys]
    if None in columns:
        return False
    names = "_".join([*(column or "" for column in columns), *part.include])
    return part.name == sql.chosen_name(part.table.name, names, "idx")
