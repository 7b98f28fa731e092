"""What partitions and inheriting tables have from their parents.

Postgres passes columns, defaults, NOT NULLs, checks, keys, foreign keys, indexes and row triggers
down to children. Such copies must not be created, altered or dropped by statements of their own, so
every stage of the diff asks here: which part of the parent a copy comes from, whether it is only a
copy, and whether Postgres itself would create it under the same name.
"""

from __future__ import annotations

from dataclasses import replace

from limbeck.schema.catalog.names import chosen_name, of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff.part import Attachment, Default, Inheritance, Part, derived, owner, sub
from limbeck.schema.diff.parts import Parts
from limbeck.schema.diff.situation import Situation

# The attributes of a column that ALTER TABLE on the parent changes in its children, too.
PASSED_ON = ("type", "collation", "default", "storage", "compression", "statistics", "options")


def counterpart(parts: Parts, address: Address) -> Address | None:
    """Return the address of the parent's part that a copy comes from; None if there is none."""
    part = parts.get(address)
    if isinstance(part, Index):
        return part.parent
    for parent in parts.parents(owner(address)):
        if isinstance(part, Constraint):
            return _constraint(parts, part, parent)
        candidate = address._replace(schema=parent.schema, name=parent.name)
        if candidate in parts:
            return candidate
    return None


def _constraint(parts: Parts, part: Constraint, parent: Address) -> Address | None:
    """Return the parent's constraint that a constraint is a copy of.

    Keys and foreign keys of partitions can have any name; pg_depend records what they come from.
    Copies of checks have the same name and no such record. For the rest the definition decides.
    """
    for address in parts.catalog.depends.get(part.address, ()):
        above = parts.get(address)
        keys = {"p", "u"}.issuperset({getattr(above, "type", ""), part.type})
        alike_ = isinstance(above, Constraint) and (keys or above.type == part.type)
        if alike_ and owner(address) == parent:
            return address
    same = part.address._replace(schema=parent.schema, name=parent.name)
    if same in parts:
        return same
    constraints = (c for c in parts.by_address.values() if isinstance(c, Constraint))
    of_parent = (c for c in constraints if owner(c.address) == parent and c.type == part.type)
    return next((c.address for c in of_parent if c.definition == part.definition), None)


def attached(parts: Parts, address: Address) -> Address | None:
    """Return the parent's index or key that a partition's index, or that of its key, belongs to.

    A key of the partition can belong to a mere index of its parent, and is not inherited then.
    """
    part = parts.get(address)
    if isinstance(part, Index):
        return part.parent
    if not isinstance(part, Constraint) or part.type not in "pux":
        return None
    if part.inherited:
        return counterpart(parts, address)
    parents = parts.parents(owner(address))
    indexes = (parts.get(used) for used in parts.catalog.depends.get(address, ()))
    return next((i.address for i in indexes if isinstance(i, Index) and i.table in parents), None)


def follows(parts: Parts, address: Address) -> bool:
    """Return whether a part is exactly what its parent table passes on."""
    part = parts[address]
    if isinstance(part, Default):
        above = counterpart(parts, address)
        return part.column.inherited and above is not None and parts[above] == part
    return derived(part)


def ties(child: Address, parts: Parts) -> list[Address]:
    """Return the addresses of a table's attachment and inheritances."""
    parents = [Address("inheritance", *child[1:3], of(p)) for p in parts.parents(child)]
    return [sub(child, "attachment"), *parents]


def leaves_heirs(address: Address, before: Parts, after: Parts) -> bool:
    """Return whether a child keeps, as its own, a column or check that its parent table loses.

    The parent's is then dropped with ALTER TABLE ONLY, which makes the child's local instead of
    dropping it.
    """
    part = before.get(address)
    alone = isinstance(part, Column) or (isinstance(part, Constraint) and part.type == "c")
    if not alone or address in after:
        return False
    below = before.children[owner(address)]
    heirs = (address._replace(schema=table.schema, name=table.name) for table in below)
    return any(heir in after and heir in before for heir in heirs)


def overtaken(before: Column, after: Column, situation: Situation) -> Column | None:
    """Return an inherited column as the change of its parent's column leaves it.

    What still differs from `after` needs a statement on the child. None if the parent passes
    nothing on: a child that becomes one only in this change must have the parent's type already
    (MergeAttributesIntoExisting() in src/backend/commands/tablecmds.c), so its own statements come
    first.
    """
    above = counterpart(situation.after, after.address)
    if above is None or above not in situation.before:
        return None
    old, new = situation.before[above], situation.after[above]
    tied = (owner(above), *ties(owner(after.address), situation.after))
    if not situation.created.isdisjoint(tied):
        return None
    if above in situation.created:  # a re-created column passes everything on, changed or not
        handed = {field: getattr(new, field) for field in PASSED_ON}
        return replace(before, generated=after.generated, comment=None, **handed)
    changed = [f for f in PASSED_ON if getattr(old, f) != getattr(new, f)]
    return replace(before, **{field: getattr(new, field) for field in changed})


def expected(part: Constraint | Index, parts: Parts) -> bool:
    """Return whether Postgres would create exactly this copy on a partition, by this name.

    If not, the partition's own is created first: the parent's then attaches it instead of making
    a copy (DefineIndex() in src/backend/commands/indexcmds.c).
    """
    if part.address in parts.explicit or _has_own_marks(part):
        return False
    if isinstance(part, Constraint):
        # Checks and foreign keys get the name of the parent's.
        label = {"p": "pkey", "u": "key", "x": "excl"}.get(part.type)
        if label is None:
            return True
        names = "" if part.type == "p" else "_".join((*part.columns, *part.include))
        return part.name == chosen_name(part.table, names, label)
    columns = [key.column for key in part.keys]
    if None in columns:
        return False  # names of expressions ("lower", "expr1") are not worth predicting
    names = "_".join([*(column or "" for column in columns), *part.include])
    above = parts.get(part.parent) if part.parent else None
    if isinstance(above, Index) and _manner(above) != _manner(part):
        return False  # an index that existed before, which may sort in another order
    return part.name == chosen_name(part.table.name, names, "idx")


def _has_own_marks(part: Constraint | Index) -> bool:
    """Return whether an index or its key has what no copy gets from its parent: a comment, say."""
    if isinstance(part, Constraint) and part.type not in "pux":
        return False
    targets = isinstance(part, Index) and part.statistics
    return bool(part.comment is not None or part.clustered or part.replica_identity or targets)


def _manner(index: Index) -> tuple[object, ...]:
    return [(key.descending, key.nulls_first) for key in index.keys], sorted(index.options)


def alike(index: Index, other: Index) -> bool:
    """Return whether Postgres takes one index for the other: it asks for neither order nor options.

    Source: CompareIndexInfo in src/backend/catalog/index.c.
    """
    return nature(index) == nature(other)


def nature(part: Index | Constraint) -> tuple[object, ...] | None:
    """Return what an index, or that of a key, has in common with those that are alike."""
    if isinstance(part, Index):
        keys = tuple((key.column, key.expression, key.opclass, key.collation) for key in part.keys)
        names, more = (part.method, part.where, part.unique), part.nulls_not_distinct
        return (keys, part.include, *names, more)
    if part.type not in "pu" or "WITHOUT OVERLAPS" in part.definition:
        return None
    keys = tuple((column, None, None, None) for column in part.columns)
    return (keys, part.include, "btree", None, True, part.nulls_not_distinct)


def born(part: Attachment | Inheritance, after: Parts) -> bool:
    """Return whether CREATE TABLE ... PARTITION OF (or INHERITS) creates a child as it must be.

    It names all copies itself. Where one has another name, the child is created alone, gets its
    parts under their names, and is attached last.
    """
    if isinstance(part, Inheritance):
        return True
    child = part.table.address
    copies = (
        copy
        for address in after.users.get(child, ())
        if isinstance(copy := after.get(address), Constraint | Index)
        and derived(copy)
        and table_of(copy) == child
    )
    return all(expected(copy, after) for copy in copies) and not _renamed(part, after)


def _renamed(part: Attachment, after: Parts) -> bool:
    """Return whether a partition's NOT NULLs have other names than those of its parent."""
    objects = after.catalog.objects
    for name in part.table.columns:
        own = objects.get(Address("column", part.table.schema, part.table.name, name))
        above = objects.get(Address("column", part.parent.schema, part.parent.name, name))
        if not (isinstance(own, Column) and isinstance(above, Column) and own.inherited):
            continue
        if own.not_null and above.not_null and own.not_null.name != above.not_null.name:
            return True
    return False


def table_of(item: Constraint | Index) -> Address:
    """Return the table of a constraint or an index."""
    return item.table if isinstance(item, Index) else owner(item.address)


def late(part: Part) -> bool:
    """Return whether a parent may get a constraint after its children, and then pass it on.

    Foreign keys are passed on in either case. A check that is not valid must come after: the copy
    of a new child would be valid (see `unproven`).
    """
    if not isinstance(part, Constraint):
        return False
    return part.type == "f" or (part.type == "c" and part.enforced and not part.validated)
