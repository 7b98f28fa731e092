"""Renames as steps: those that the user confirmed, and those that need no question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import chosen_name, of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.definitions import Definition
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.schemas import Schema
from limbeck.schema.catalog.objects.sequences import Sequence as SequenceObject
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff import index_definitions, others, sql, statements
from limbeck.schema.diff.column_operations import RenameColumn
from limbeck.schema.diff.operations import Execute, Operation, RenameTable
from limbeck.schema.diff.ordering import RELATIONS
from limbeck.schema.diff.ordering import ROW_TYPES as TYPES
from limbeck.schema.diff.steps import Step
from limbeck.schema.diff.targets import altering
from limbeck.schema.renames.move import moved, names_of
from limbeck.schema.renames.rename import Rename
from limbeck.schema.renames.respell import respelled
from limbeck.schema.renames.tokens import Names, alike
from limbeck.schema.sql.quoting import literal, quote, schema_and_name


def apply(
    before: Catalog, after: Catalog, renames: Sequence[Rename]
) -> tuple[Catalog, tuple[Step, ...]]:
    """Return the catalog after all renames, and the steps that carry them out.

    Args:
        before: The catalog to start from.
        after: The catalog to reach.
        renames: The confirmed renames, outer ones first.

    """
    steps: list[Step] = []
    done: list[Rename] = []
    for rename in renames:
        if rename.before == rename.after:
            continue
        before = _carry_out(rename, before, after, steps, done)
    names = names_of(done)
    for rename in _silent(before, after, names):
        before = _carry_out(rename, before, after, steps, done)
    return (respelled(before, after, done) if done else before), tuple(steps)


def _carry_out(
    rename: Rename, before: Catalog, after: Catalog, steps: list[Step], done: list[Rename]
) -> Catalog:
    before = _make_room(rename, before, after, steps, done)
    steps += _steps(rename, before)
    done.append(rename)
    return moved(before, rename)


def _make_room(
    rename: Rename, before: Catalog, after: Catalog, steps: list[Step], done: list[Rename]
) -> Catalog:
    """Create the schema that an object moves to, and rename the object that has its new name."""
    new = rename.after
    at = Address("schema", "", new.schema)
    wanted = after.objects.get(at)
    if new.schema and at not in before.objects and isinstance(wanted, Schema):
        steps += others.schema_steps(replace(wanted, comment=None))
        schema = replace(wanted, comment=None)
        before = replace(before, objects={**before.objects, at: schema})
    taken = _occupant(new, before)
    if taken is not None and taken != rename.before:
        field = "part" if taken.part else "name"
        spare = chosen_name(getattr(taken, field), "", "old")
        other = Rename(taken.kind, taken, taken._replace(**{field: spare}))
        steps += _steps(other, before)
        done.append(other)
        before = moved(before, other)
    return before


def _occupant(wanted: Address, catalog: Catalog) -> Address | None:
    """Return the object that has the name an object is to get."""
    kinds = {wanted.kind} | (RELATIONS if wanted.kind in RELATIONS else frozenset())
    kinds |= TYPES if wanted.kind in TYPES else frozenset()
    there = (wanted._replace(kind=kind) for kind in sorted(kinds))
    return next((at for at in there if at in catalog.objects), None)


def _steps(rename: Rename, catalog: Catalog) -> Iterator[Step]:
    old, new = rename.before, rename.after
    if rename.kind == "enum" and old.part:
        labels = f"{literal(old.part)} TO {literal(new.part)}"
        yield Step(Execute(f"ALTER TYPE {of(old)} RENAME VALUE {labels}", "rename", old))
        return
    item = catalog.objects[old]
    if isinstance(item, Column):
        yield Step(RenameColumn(item, new.part))
    elif isinstance(item, Constraint):
        names = f"{quote(old.part)} TO {quote(new.part)}"
        yield Step(Execute(f"{sql.alter_table(old)} RENAME CONSTRAINT {names}", "rename", old))
    elif old.part:
        yield from statements.alter(item, [f"RENAME TO {quote(new.part)}"], "rename")
    else:
        yield from _whole(item, old, new)


def _whole(item: Object, old: Address, new: Address) -> Iterator[Step]:
    bare = schema_and_name(new.name.partition("(")[0])[-1] if old.kind == "function" else new.name
    if old.schema != new.schema:
        yield from statements.alter(item, [f"SET SCHEMA {quote(new.schema)}"], "rename")
        if not isinstance(item, Definition):
            item = replace(item, schema=new.schema)  # type: ignore[arg-type]
    if old.name != new.name:
        text = f"{altering(item)} RENAME TO {quote(bare)}"
        whole: Operation = Execute(text, "rename", old)
        yield Step(RenameTable(item, new.name, old) if isinstance(item, Table) else whole)


def _silent(before: Catalog, after: Catalog, names: Names) -> Iterator[Rename]:
    """Yield the renames of constraints, indexes and owned sequences that are otherwise the same.

    Applications do not name them, so no question is asked; the rename keeps the index or the
    values that a drop would lose.
    """
    changes = before.changes_to(after)
    spare = [change.after for change in changes if change.after and not change.before]
    for at, item, other in ((each.address, each.before, each.after) for each in changes):
        if other is not None or not isinstance(item, Constraint | Index | SequenceObject):
            continue
        match = next((other for other in spare if _same(item, other, names)), None)
        if match is not None and _occupant(match.address, before) is None:
            spare.remove(match)
            yield Rename(at.kind, at, match.address)


def _same(old: Object, new: Object, names: Names) -> bool:
    if isinstance(old, SequenceObject) and isinstance(new, SequenceObject):
        return old.owned_by is not None and old.owned_by == new.owned_by
    if isinstance(old, Constraint) and isinstance(new, Constraint):
        home = (old.schema, old.table, old.type) == (new.schema, new.table, new.type)
        plain = old.inherited == new.inherited and (old.type != "c" or not old.inherited)
        index = alike(
            index_definitions.nameless(old.index), index_definitions.nameless(new.index), names
        )
        return home and plain and index and alike(old.definition, new.definition, names)
    if isinstance(old, Index) and isinstance(new, Index):
        texts = (
            index_definitions.nameless(old.definition),
            index_definitions.nameless(new.definition),
        )
        return old.table == new.table and alike(*texts, names)
    return False
