"""Which plain steps both applications run with, and which wait for the contract.

`choosing` calls `waiting`. A step is harmless if the old and the new application both run with it.
The rules err on the side of waiting: a step that waits for the contract is safe, a harmless one
that is not would break the old application.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.column_operations import (
    AddColumn,
    AlterDefault,
    AlterNotNull,
    AlterType,
    RenameColumn,
)
from limbeck.schema.diff.operations import (
    AddValue,
    AlterAttributeType,
    AlterViewDefault,
    Comment,
    CreateIndex,
    CreateTable,
    DropConstraint,
    RenameTable,
    SetSequence,
)
from limbeck.schema.diff.steps import Step, Unit

# Operations after which every row and every query is accepted that was accepted before.
HARMLESS = (AddValue, AlterAttributeType, AlterDefault, AlterType, AlterViewDefault, Comment)
# Objects that change what a table accepts or does, if they are created on one that exists.
OF_TABLE = frozenset({"column", "constraint", "trigger", "policy", "rule"})


def waiting(
    rest: Sequence[Step], steps: Sequence[Step], busy: AbstractSet[Address], before: Catalog
) -> list[bool]:
    """Return for each step that no recipe covers whether it waits for the contract.

    Args:
        rest: The steps that no recipe covers.
        steps: All steps of the plain change.
        busy: The objects of the steps that a recipe covers.
        before: The catalog before the change.

    """
    new = frozenset(step.address for step in steps if step.verb == "create") - before.objects.keys()
    waits = [step.address in busy or not _breaks_nothing(step, steps, new, before) for step in rest]
    units = _waiting_units(rest, waits)
    return [wait or step.unit in units for step, wait in zip(rest, waits, strict=True)]


def _waiting_units(steps: Sequence[Step], waits: Sequence[bool]) -> set[Unit]:
    """Return the units of which all steps wait because one does.

    A column keeps its default until it is an identity, and no privilege on a table is granted
    before its policies exist. Other units may be split: a role keeps a privilege until the contract
    revokes it, and a check may be dropped in the expand before its successor is added.
    """
    return {
        step.unit
        for step, wait in zip(steps, waits, strict=True)
        if wait and step.unit and step.unit.joint and step.address.kind != "grant"
    }


def _breaks_nothing(
    step: Step, steps: Sequence[Step], new: AbstractSet[Address], before: Catalog
) -> bool:
    """Return whether old and new applications both run with a step, as far as is known."""
    # Applications use the sequence that a setval() changes. A step that names an object by
    # its new name fails until the contract has renamed it.
    if isinstance(step.operation, SetSequence) or step.names(_new_names(steps)):
        return False
    if step.verb == "create":
        return step.address not in before.objects and _adds(step, before)
    if step.address.kind in OF_TABLE | {"table"} and _table(step) in new:
        return True  # no application uses the table yet
    match step.operation:
        case DropConstraint(constraint):
            # Dropping a check or foreign key only permits more, unless it is re-created as
            # another one. A key may be what ON CONFLICT names.
            again = any(other.address == step.address for other in steps if other is not step)
            return constraint.type in "cf" and not again
        case AlterNotNull(after=after):
            return not after.not_null
    # A type change that is left here is one that widens; the others have a recipe or are refused.
    return isinstance(step.operation, HARMLESS) and not _waits(step)


def _waits(step: Step) -> bool:
    """Return whether a step of a harmless kind is needed by the old application nevertheless."""
    match step.operation:
        case AlterType(parks=parks):
            return parks  # what changes while columns are parked as another type
        case AlterDefault(after=after):
            return after.default is None  # it still leaves the column to the default
    return False


def _adds(step: Step, before: Catalog) -> bool:
    """Return whether a created object leaves existing tables as permissive as they were."""
    old = _table(step) in before.objects
    match step.operation:
        case CreateTable() | AddColumn():
            return True
        case CreateIndex(index):
            return not (index.unique and index.table in before.objects)
    return not (old and step.address.kind in OF_TABLE)


def _table(step: Step) -> Address:
    return Address("table", step.address.schema, step.address.name)


def _new_names(steps: Sequence[Step]) -> frozenset[str]:
    """Return the names that exist only after a rename."""
    operations = (step.operation for step in steps)
    return frozenset(op.name for op in operations if isinstance(op, RenameColumn | RenameTable))
