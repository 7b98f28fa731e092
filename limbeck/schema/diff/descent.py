"""What partitions and inheriting tables have from their parents."""

from __future__ import annotations

from dataclasses import replace

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff import sql
from limbeck.schema.diff.part import Attachment, Default, Inheritance, Part, derived, owner, sub
from limbeck.schema.diff.parts import Parts
from limbeck.schema.diff.situation import Situation

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
        found = parts.found.get(address)
        if isinstance(found, Constraint) and owner(address) == parent and found.type == part.type:
            return address
    same = part.address._replace(schema=parent.schema, name=parent.name)
    if same in parts:
        return same
    known = (p for p in parts.found.values() if isinstance(p, Constraint))
    alike = (p for p in known if owner(p.address) == parent and p.type == part.type)
    return next((p.address for p in alike if p.definition == part.definition), None)


def follows(parts: Parts, address: Address) -> bool:
    """Tell whether a part is just what its parent table passes on."""
    part = parts[address]
    if isinstance(part, Default):
        above = counterpart(parts, address)
        return part.column.inherited and above is not None and parts[above] == part
    return derived(part)


def ties(child: Address, parts: Parts) -> list[Address]:
    """Return where it stands that a table has the parents that it has."""
    found = [Address("inheritance", *child[1:3], sql.of(parent)) for parent in parts.parents(child)]
    return [sub(child, "attachment"), *found]


def leaves_heirs(address: Address, before: Parts, after: Parts) -> bool:
    """Tell whether a child keeps as its own what its parent table loses."""
    part = before.found.get(address)
    alone = isinstance(part, Column) or (isinstance(part, Constraint) and part.type == "c")
    if not alone or address in after:
        return False
    below = before.children[owner(address)]
    heirs = (address._replace(schema=table.schema, name=table.name) for table in below)
    return any(heir in after and heir in before for heir in heirs)


def overtaken(before: Column, after: Column, situation: Situation) -> Column | None:
    """Return an inherited column as it is once its parent's was altered; None: nothing is passed.

    A child that is tied to its parent once it has the type has nothing passed on to it here.
    """
    above = counterpart(situation.after, after.address)
    if above is None or above not in situation.before:
        return None
    old, new = situation.before[above], situation.after[above]
    tied = (owner(above), *ties(owner(after.address), situation.after))
    if not situation.created.isdisjoint(tied):
        return None
    if above in situation.created:  # so is what it passes on
        handed = {field: getattr(new, field) for field in PASSED_ON}
        return replace(before, generated=after.generated, comment=None, **handed)
    changed = [f for f in PASSED_ON if getattr(old, f) != getattr(new, f)]
    return replace(before, **{field: getattr(new, field) for field in changed})


def expected(part: Constraint | Index, parts: Parts) -> bool:
    """Tell whether Postgres would make this very copy on a partition, by this name."""
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
    above = parts.found.get(part.parent) if part.parent else None
    if isinstance(above, Index) and _manner(above) != _manner(part):
        return False  # an index that was there already, which may sort the other way round
    return part.name == sql.chosen_name(part.table.name, names, "idx")


def _manner(index: Index) -> tuple[object, ...]:
    return [(key.descending, key.nulls_first) for key in index.keys], sorted(index.options)


def alike(one: Index, other: Index) -> bool:
    """Tell whether Postgres takes one index for the other: it asks for neither order nor options.

    Source: CompareIndexInfo in src/backend/catalog/index.c.
    """
    return _nature(one) == _nature(other)


def _nature(index: Index) -> tuple[object, ...]:
    keys = [(key.column, key.expression, key.opclass, key.collation) for key in index.keys]
    return (keys, index.include, index.method, index.where, index.unique, index.nulls_not_distinct)


def born(part: Attachment | Inheritance, after: Parts) -> bool:
    """Tell whether CREATE TABLE ... PARTITION OF gives all that comes with it the right names."""
    if isinstance(part, Inheritance):
        return True
    child = part.table.address
    copies = (
        found
        for address in after.users.get(child, ())
        if isinstance(found := after.found.get(address), Constraint | Index)
        and derived(found)
        and table_of(found) == child
    )
    return all(expected(found, after) for found in copies) and not _renamed(part, after)


def _renamed(part: Attachment, after: Parts) -> bool:
    """Tell whether a partition's NOT NULLs have other names than those of the table above."""
    objects = after.catalog.objects
    for name in part.table.columns:
        own = objects.get(Address("column", part.table.schema, part.table.name, name))
        above = objects.get(Address("column", part.parent.schema, part.parent.name, name))
        if not (isinstance(own, Column) and isinstance(above, Column) and own.inherited):
            continue
        if own.not_null and above.not_null and own.not_null.name != above.not_null.name:
            return True
    return False


def table_of(found: Constraint | Index) -> Address:
    """Return the table of a constraint or an index."""
    return found.table if isinstance(found, Index) else owner(found.address)


def late(part: Part) -> bool:
    """Tell whether a parent may get a constraint, and pass it on, once it has its children.

    A new child's copy of a check that is not valid would be valid.
    """
    if not isinstance(part, Constraint):
        return False
    return part.type == "f" or (part.type == "c" and part.enforced and not part.validated)
