"""Recipes: for a statement on a table in use, statements that hold no strong lock for long.

Sources are the Postgres manual on CREATE INDEX ("Building Indexes Concurrently") and on ALTER TABLE
(ADD table_constraint NOT VALID, VALIDATE CONSTRAINT, USING INDEX; SET NOT NULL skips the scan if a
valid CHECK proves it).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.phased.online.scene import Scene
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff.column_operations import AddNotNull, AlterNotNull
from limbeck.schema.diff.operations import (
    AddConstraint,
    CreateIndex,
    DropConstraint,
    DropIndex,
    Execute,
    ValidateConstraint,
)
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql import forms
from limbeck.schema.sql.quoting import quote

LONGEST_NAME = 63  # bytes; NAMEDATALEN - 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """The replacement of a step: steps in its place, and steps outside its transaction after it."""

    now: tuple[Step, ...] = ()
    later: tuple[Step, ...] = ()


def recipe(step: Step, scene: Scene) -> Recipe | None:
    """Return the replacement of a step; None if the step itself blocks nobody for long."""
    match step.operation:
        case CreateIndex(index) if _indexable(index, scene):
            return _index(step, index, scene)
        case DropIndex(index) if _indexable(index, scene) and scene.plain(index.table):
            dropped = DropIndex(index, concurrently=True)
            return Recipe(later=(replace(step, operation=dropped, outside=True),))
        case AddConstraint(constraint) if scene.in_use(_table(constraint)):
            return _constraint(step, constraint, scene)
        case AlterNotNull(Column(not_null=None), Column() as after) if after.not_null:
            return _required(step, after) if scene.in_use(_owner(step.address)) else None
        case AddNotNull(column) if scene.in_use(_owner(step.address)):
            return _named_required(step, column)
    return None


def _table(constraint: Constraint) -> Address:
    return Address("table", constraint.schema, constraint.table)


def _owner(address: Address) -> Address:
    return Address("table", address.schema, address.name)


def _indexable(index: Index, scene: Scene) -> bool:
    """Return whether an index is on a table or materialized view in use."""
    is_view = index.table.kind == "view" and index.table not in scene.created
    return is_view or scene.in_use(index.table)


def _index(step: Step, index: Index, scene: Scene) -> Recipe | None:
    table = scene.table(index.table)
    if table is not None and table.kind == "p":
        return _partitioned(step, index, scene)
    return Recipe(later=(_built(step, index),))


def _built(step: Step, index: Index) -> Step:
    return replace(step, operation=CreateIndex(index, concurrently=True), outside=True)


def _partitioned(step: Step, index: Index, scene: Scene) -> Recipe | None:
    """Build the indexes of the partitions first; that of the partitioned table attaches them.

    Postgres cannot build the index of a partitioned table CONCURRENTLY.
    """
    leaves = [leaf for leaf in _leaves(index, scene) if scene.in_use(leaf.table)]
    built = [
        _built(step, replace(leaf, parent=None))
        for leaf in leaves
        if scene.plain(leaf.table) and leaf.address not in scene.created
    ]
    return Recipe(later=(*built, step)) if leaves else None


def _leaves(index: Index, scene: Scene) -> Iterator[Index]:
    for leaf in scene.after.of(Index):
        if leaf.parent == index.address:
            yield leaf
            yield from _leaves(leaf, scene)


def _constraint(step: Step, constraint: Constraint, scene: Scene) -> Recipe | None:
    plain = scene.plain(_table(constraint))
    if constraint.type in "pu" and plain and _by_columns(constraint):
        name = constraint.name
        return Recipe(later=(unique_index(step, constraint, name), using(step, constraint, name)))
    if constraint.type not in "cf" or not constraint.validated or not constraint.enforced:
        return None
    accepted = forms.FOREIGN_KEYS_NOT_VALID_OF_PARTITIONED.exists(scene.before.lowest_major)
    if constraint.type == "f" and not plain and not accepted:
        return None
    return _validated(step, constraint)


def _by_columns(constraint: Constraint) -> bool:
    """Return whether a constraint can be made from a unique index; WITHOUT OVERLAPS cannot."""
    return "WITHOUT OVERLAPS" not in constraint.definition


def unique_index(step: Step, constraint: Constraint, name: str) -> Step:
    """Return the step that builds the index of a key without blocking writers.

    Args:
        step: The step that adds the key.
        constraint: The primary key or unique constraint.
        name: The name of the index until the constraint is made from it.

    """
    columns = ", ".join(map(quote, constraint.columns))
    text = f"CREATE UNIQUE INDEX CONCURRENTLY {quote(name)} ON {of(_table(constraint))} ({columns})"
    if constraint.include:
        text += f" INCLUDE ({', '.join(map(quote, constraint.include))})"
    text += " NULLS NOT DISTINCT" if constraint.nulls_not_distinct else ""
    text += f" WITH ({', '.join(constraint.options)})" if constraint.options else ""
    note = "Fails if there are duplicate values; writers are not blocked meanwhile."
    return replace(step, operation=_create(text, constraint), outside=True, note=note)


def _create(text: str, constraint: Constraint) -> Execute:
    return Execute(text, "create", constraint.address)


def using(step: Step, constraint: Constraint, name: str) -> Step:
    """Return the step that makes a key from its index, which gets the name of the key.

    Args:
        step: The step that adds the key.
        constraint: The primary key or unique constraint.
        name: The name of the index.

    """
    kind = "PRIMARY KEY" if constraint.type == "p" else "UNIQUE"
    text = f"ALTER TABLE {of(_table(constraint))} ADD CONSTRAINT {quote(constraint.name)} {kind}"
    text += f" USING INDEX {quote(name)}"
    text += " DEFERRABLE" if constraint.deferrable else ""
    text += " INITIALLY DEFERRED" if constraint.deferred else ""
    return replace(step, operation=_create(text, constraint), note=None)


def _validated(step: Step, constraint: Constraint) -> Recipe:
    unchecked = replace(
        constraint, validated=False, definition=f"{constraint.definition} NOT VALID"
    )
    added = replace(step, operation=AddConstraint(unchecked))
    return Recipe((added,), (_validation(constraint.name, step.address),))


def _validation(name: str, address: Address, note: str | None = None) -> Step:
    return Step(ValidateConstraint(name, address), outside=True, note=note)


def _required(step: Step, column: Column) -> Recipe:
    """Prove NOT NULL by a CHECK first, whose validation does not block writers.

    SET NOT NULL alone reads the whole table under ACCESS EXCLUSIVE.
    """
    proof = _proof(column)
    return Recipe(
        (Step(AddConstraint(proof)),),
        (
            _validation(proof.name, step.address, step.note),
            replace(step, note=None),
            Step(DropConstraint(proof)),
        ),
    )


def _proof(column: Column) -> Constraint:
    name = f"{column.name.encode()[: LONGEST_NAME - 9].decode(errors='ignore')}_required"
    condition = f"({quote(column.name)} IS NOT NULL)"
    return Constraint(
        schema=column.schema,
        table=column.table,
        name=name,
        type="c",
        definition=f"CHECK ({condition}) NOT VALID",
        validated=False,
        columns=(column.name,),
        expression=condition,
    )


def _named_required(step: Step, column: Column) -> Recipe | None:
    """Add a named NOT NULL as NOT VALID, and validate it in the next step (Postgres 18)."""
    required = column.not_null
    if required is None or required.name is None or not required.validated:
        return None
    unchecked = replace(column, not_null=replace(required, validated=False))
    added = replace(step, operation=AddNotNull(unchecked), note=None)
    return Recipe((added,), (_validation(required.name, step.address),))
