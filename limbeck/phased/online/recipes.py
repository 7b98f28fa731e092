"""Statements on tables in use, as the ones that hold no strong lock for long.

The facts are those of the Postgres manual: CREATE INDEX ("Building Indexes Concurrently"), ALTER
TABLE (ADD table_constraint NOT VALID, VALIDATE CONSTRAINT, USING INDEX; SET NOT NULL skips the
scan where a valid CHECK proves it).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from limbeck.phased.online.scene import Scene
from limbeck.schema.catalog.names import of, quote
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff.constraints import HEAD
from limbeck.schema.diff.steps import (
    AddConstraint,
    AlterColumn,
    CreateIndex,
    DropConstraint,
    DropIndex,
    Step,
)

LONGEST_NAME = 63  # bytes; NAMEDATALEN - 1
NOT_VALID_FOREIGN_KEYS_OF_PARTITIONED = 18


@dataclass(frozen=True, slots=True)
class Recipe:
    """What stands in for one step: in its place, and after it, outside of its transaction."""

    now: tuple[Step, ...] = ()
    later: tuple[Step, ...] = ()


def recipe(step: Step, scene: Scene) -> Recipe | None:
    """Return what to do instead of a step; None where the step itself is right."""
    match step.operation:
        case CreateIndex(index) if _indexable(index, scene):
            return _index(step, index, scene)
        case DropIndex(index) if _indexable(index, scene) and scene.plain(index.table):
            return Recipe(later=(_dropped(step, index),))
        case AddConstraint(constraint) if scene.stands(_table(constraint)):
            return _constraint(step, constraint, scene)
        case AlterColumn(before, after) if _requires(before, after, step) and _in_use(after, scene):
            return _required(step, after)
    if _names_required(step) and scene.stands(_owner(step.address)):
        return _named_required(step)
    return None


def _table(constraint: Constraint) -> Address:
    return Address("table", constraint.schema, constraint.table)


def _owner(address: Address) -> Address:
    return Address("table", address.schema, address.name)


def _in_use(column: Column, scene: Scene) -> bool:
    return scene.stands(_owner(column.address))


def _indexable(index: Index, scene: Scene) -> bool:
    """Tell whether an index is on a table or materialized view that is in use."""
    is_view = index.table.kind == "view" and index.table not in scene.created
    return is_view or scene.stands(index.table)


def _index(step: Step, index: Index, scene: Scene) -> Recipe | None:
    table = scene.table(index.table)
    if table is not None and table.kind == "p":
        return _partitioned(step, index, scene)
    return Recipe(later=(_built(step, index),))


def _built(step: Step, index: Index) -> Step:
    operation = CreateIndex(index, concurrently=True)
    return replace(step, sql=concurrent(index), operation=operation, outside=True)


def concurrent(index: Index) -> str:
    """Spell CREATE INDEX CONCURRENTLY."""
    return HEAD.sub(r"\1CONCURRENTLY \2\3", index.definition)


def _dropped(step: Step, index: Index) -> Step:
    text = f"DROP INDEX CONCURRENTLY {of(index.address)}"
    return replace(step, sql=text, operation=DropIndex(index, concurrently=True), outside=True)


def _partitioned(step: Step, index: Index, scene: Scene) -> Recipe | None:
    """Build the partitions' indexes first; the partitioned one then takes them as its own."""
    leaves = [leaf for leaf in _leaves(index, scene) if scene.stands(leaf.table)]
    built = [
        _built(replace(step, address=leaf.address), replace(leaf, parent=None))
        for leaf in leaves
        if scene.plain(leaf.table) and leaf.address not in scene.created
    ]
    return Recipe(later=(*built, step)) if leaves else None


def _leaves(index: Index, scene: Scene) -> Iterator[Index]:
    for found in scene.after.of(Index):
        if found.parent == index.address:
            yield found
            yield from _leaves(found, scene)


def _constraint(step: Step, constraint: Constraint, scene: Scene) -> Recipe | None:
    plain = scene.plain(_table(constraint))
    if constraint.type in "pu" and plain and _by_columns(constraint):
        name = constraint.name
        return Recipe(later=(unique_index(step, constraint, name), using(step, constraint, name)))
    if constraint.type not in "cf" or not constraint.validated or not constraint.enforced:
        return None
    old = scene.before.major < NOT_VALID_FOREIGN_KEYS_OF_PARTITIONED
    if constraint.type == "f" and not plain and old:
        return None
    return _validated(step, constraint)


def _by_columns(constraint: Constraint) -> bool:
    """Tell whether an ordinary unique index stands behind a constraint."""
    return "WITHOUT OVERLAPS" not in constraint.definition


def unique_index(step: Step, constraint: Constraint, name: str) -> Step:
    """Build the index of a key or unique constraint, without blocking writers."""
    columns = ", ".join(map(quote, constraint.columns))
    text = f"CREATE UNIQUE INDEX CONCURRENTLY {quote(name)} ON {of(_table(constraint))} ({columns})"
    if constraint.include:
        text += f" INCLUDE ({', '.join(map(quote, constraint.include))})"
    text += " NULLS NOT DISTINCT" if constraint.nulls_not_distinct else ""
    text += f" WITH ({', '.join(constraint.options)})" if constraint.options else ""
    note = "Fails where values are there twice; nothing is blocked meanwhile."
    return replace(step, sql=text, operation=None, outside=True, note=note)


def using(step: Step, constraint: Constraint, name: str) -> Step:
    """Make a key or unique constraint of its index, which takes the constraint's name."""
    kind = "PRIMARY KEY" if constraint.type == "p" else "UNIQUE"
    text = f"ALTER TABLE {of(_table(constraint))} ADD CONSTRAINT {quote(constraint.name)} {kind}"
    text += f" USING INDEX {quote(name)}"
    text += " DEFERRABLE" if constraint.deferrable else ""
    text += " INITIALLY DEFERRED" if constraint.deferred else ""
    return replace(step, sql=text, operation=None, note=None)


def _validated(step: Step, constraint: Constraint) -> Recipe:
    text = f"{step.sql} NOT VALID"
    unchecked = replace(
        constraint, validated=False, definition=f"{constraint.definition} NOT VALID"
    )
    added = replace(step, sql=text, operation=AddConstraint(unchecked))
    return Recipe((added,), (_validation(step, _table(constraint), constraint.name),))


def _validation(step: Step, table: Address, name: str) -> Step:
    text = f"ALTER TABLE {of(table)} VALIDATE CONSTRAINT {quote(name)}"
    return Step(text, "alter", step.address, outside=True)


def _requires(before: Column, after: Column, step: Step) -> bool:
    return (
        before.not_null is None
        and after.not_null is not None
        and step.sql.endswith("SET NOT NULL")
        and " ONLY " not in step.sql
    )


def _required(step: Step, column: Column) -> Recipe:
    """Prove NOT NULL by a CHECK that is validated while writers go on."""
    proof = _proof(column)
    added = f"ALTER TABLE {of(_table(proof))} ADD CONSTRAINT {quote(proof.name)} {proof.definition}"
    dropped = f"ALTER TABLE {of(_table(proof))} DROP CONSTRAINT {quote(proof.name)}"
    return Recipe(
        (Step(added, "create", proof.address, AddConstraint(proof)),),
        (
            replace(_validation(step, _table(proof), proof.name), note=step.note),
            replace(step, note=None),
            Step(dropped, "drop", proof.address, DropConstraint(proof)),
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


def _names_required(step: Step) -> bool:
    """Tell whether a NOT NULL is added under a name of its own (Postgres 18)."""
    if step.operation is not None or step.address.kind != "column" or step.verb != "alter":
        return False
    return " ADD CONSTRAINT " in step.sql and not step.sql.endswith(" NOT VALID")


def _named_required(step: Step) -> Recipe:
    name = step.sql.partition(" ADD CONSTRAINT ")[2].partition(" NOT NULL ")[0]
    prefix = step.sql.partition(" ADD CONSTRAINT ")[0]
    validation = Step(f"{prefix} VALIDATE CONSTRAINT {name}", "alter", step.address, outside=True)
    return Recipe((replace(step, sql=f"{step.sql} NOT VALID", note=None),), (validation,))
