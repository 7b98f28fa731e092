"""Sorts the steps of a plain change: harmless ones, those that wait, and recipes for the rest.

`generate` calls `choose` with the steps of the plain diff. `candidates` finds the recipes, and
`harmless` the steps that wait for the contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError
from limbeck.phased.expand import candidates, copies, harmless
from limbeck.phased.expand.change import Change
from limbeck.phased.expand.derived_columns import DerivedColumns
from limbeck.phased.expand.moved_column import MovedColumn
from limbeck.phased.expand.recipe import Recipe
from limbeck.phased.expand.required_column import RequiredColumn
from limbeck.phased.expand.values import widens
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.diff import retyping
from limbeck.schema.diff.column_operations import (
    AddColumn,
    AlterType,
)
from limbeck.schema.diff.steps import Step

# Objects that applications name, and that cannot have a second name through a view or a copy.
SINGLE = frozenset({"schema", "enum", "domain", "composite", "range", "view", "function"})


@dataclass(frozen=True, slots=True)
class Choice:
    """The recipes of a change, the harmless plain steps, and those that wait for the contract."""

    recipes: tuple[Recipe, ...]
    first: tuple[Step, ...]
    waits: tuple[Step, ...]

    @property
    def breaks(self) -> bool:
        """Whether anything has to wait until no old application runs."""
        return bool(self.recipes or self.waits)


def choose(steps: Sequence[Step], change: Change) -> Choice:
    """Return the recipes of a plain change and its other steps, sorted.

    Raises:
        ConfigurationError: a change cannot be made in phases.

    """
    before, steps = change.before, tuple(retyping.separated(steps))
    _refuse_single_names(change)
    recipes = tuple(candidates.recipes(steps, change))
    _refuse_idle_values(recipes, change)
    if problems := [reason for recipe in recipes for reason in recipe.validate(before)]:
        raise ConfigurationError(
            f"this cannot be done without downtime: {problems[0]}",
            hint="Write a single plain revision: limbeck generate --plain.",
        )
    # A harmless step on the object of a recipe waits: a new default of a column that changes its
    # type, for example, is an expression of the new type.
    busy = {step.address for step in steps if any(recipe.covers(step) for recipe in recipes)}
    rest = [step for step in steps if not any(recipe.covers(step) for recipe in recipes)]
    waiting = harmless.waiting(rest, steps, busy, before)
    first = [_nullable(step, change) for step, wait in zip(rest, waiting, strict=True) if not wait]
    waits = [step for step, wait in zip(rest, waiting, strict=True) if wait]
    _refuse_rewriting(waits)
    return Choice(recipes, tuple(first), tuple(waits))


def _refuse_rewriting(waits: Sequence[Step]) -> None:
    """Refuse a type change that no recipe covers, such as one together with a rename.

    In the contract it would rewrite the table under ACCESS EXCLUSIVE.
    """
    for step in waits:
        change = step.operation
        if isinstance(change, AlterType) and not (
            change.parks or widens(change.before, change.after)
        ):
            raise ConfigurationError(
                f"this cannot be done without downtime: {step.address} changes its type and its"
                " name at once",
                hint="Make two changes of it, one after the other.",
            )


def _refuse_single_names(change: Change) -> None:
    for rename in change.renamed:
        if rename.kind in SINGLE:
            raise ConfigurationError(
                f"this cannot be done without downtime: {rename.before} becomes {rename.after}; it"
                " has one name at a time, but each application uses its own",
                hint="Rename it in a plain revision of its own: limbeck generate --plain.",
            )


def _refuse_idle_values(recipes: Sequence[Recipe], change: Change) -> None:
    used: set[Address] = set()
    for recipe in recipes:
        match recipe:
            case DerivedColumns():
                used |= recipe.values.keys()
            case MovedColumn():
                used.add(recipe.new.address)
            case RequiredColumn():
                used.add(recipe.column.address)
    for idle in sorted(change.values.keys() - used):
        raise ConfigurationError(
            f"--value {idle.schema}.{idle.name}.{idle.part}={change.values[idle]}"
            " is not used by this change",
            hint="Give a value for a column that becomes NOT NULL, for the new and the old columns"
            " of a split or merge in one table, or for a new column that replaces one in a table"
            " to which its own has a foreign key.",
        )


def _nullable(step: Step, change: Change) -> Step:
    """Return the step that adds a column, nullable if the old application gives it no value.

    A column with a given value is added without its default, too: the backfill tells rows that it
    still has to fill by their NULL.
    """
    operation = step.operation
    if not isinstance(operation, AddColumn) or operation.serial is not None:
        return step
    column = operation.item
    if column.identity or column.generated or column.address in change.values:
        return step if column.identity or column.generated else _bare(step, column)
    if column.not_null is None or column.default is not None:
        return step
    return _bare(step, column)


def _bare(step: Step, column: Column) -> Step:
    added = copies.added(copies.bare(column, column.name))
    return replace(added, note=None, begins=step.begins)
