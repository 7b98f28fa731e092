"""Which steps of a plain change break a running application, and what is done instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from limbeck.catalog.catalog import Catalog
from limbeck.catalog.objects import Address, Column, Table
from limbeck.diff.steps import (
    AddColumn,
    CreateIndex,
    CreateTable,
    DropConstraint,
    RenameColumn,
    Step,
)
from limbeck.errors import ConfigurationError
from limbeck.expand.recipe import Recipe
from limbeck.expand.renamed_column import RenamedColumn
from limbeck.renames.tokens import tokens

# What an ALTER may say without being in anybody's way.
HARMLESS = (" SET DEFAULT ", " DROP DEFAULT", " DROP NOT NULL", " ADD VALUE ", "COMMENT ON ")
OF_TABLE = frozenset({"column", "constraint", "trigger", "policy", "rule"})


@dataclass(frozen=True, slots=True)
class Choice:
    """The recipes of a change, and the plain steps that both applications can live with."""

    recipes: tuple[Recipe, ...]
    first: tuple[Step, ...]
    waits: tuple[Step, ...]

    @property
    def breaks(self) -> bool:
        """Whether anything has to wait until the old application is gone."""
        return bool(self.recipes or self.waits)


def choose(found: Sequence[Step], before: Catalog) -> Choice:
    """Sort the steps of a plain change.

    Raises:
        ConfigurationError: a change cannot be made in phases.

    """
    recipes = tuple(_recipes(found, before))
    if problems := [said for recipe in recipes for said in recipe.validate(before)]:
        raise ConfigurationError(
            f"this cannot be done without downtime: {problems[0]}",
            hint="Make it a plain change: limbeck generate --plain.",
        )
    first: list[Step] = []
    waits: list[Step] = []
    for step in found:
        if any(recipe.covers(step) for recipe in recipes):
            continue
        if _breaks_nothing(step, found, before):
            first.append(_nullable(step))
        else:
            waits.append(step)
    return Choice(recipes, tuple(first), tuple(waits))


def _recipes(found: Sequence[Step], before: Catalog) -> Iterator[Recipe]:
    for step in found:
        match step.operation:
            case RenameColumn(column, name):
                table = before.objects.get(Address("table", column.schema, column.table))
                if isinstance(table, Table):
                    yield RenamedColumn(column, name, table)


def _breaks_nothing(step: Step, found: Sequence[Step], before: Catalog) -> bool:
    """Tell whether old and new applications both run with a step, as far as it can be told."""
    if step.sql.startswith("SELECT ") or _mentions(step, _new_names(found)):
        return False
    if step.verb == "create":
        return _adds(step, before)
    if isinstance(step.operation, DropConstraint):
        again = any(other.address == step.address for other in found if other is not step)
        return step.operation.constraint.type in "cf" and not again
    return step.verb == "alter" and any(word in step.sql for word in HARMLESS)


def _adds(step: Step, before: Catalog) -> bool:
    old = _table(step) in before.objects
    match step.operation:
        case CreateTable() | AddColumn():
            return True
        case CreateIndex(index):
            return not (index.unique and index.table in before.objects)
    return not (old and step.address.kind in OF_TABLE)


def _table(step: Step) -> Address:
    return Address("table", step.address.schema, step.address.name)


def _new_names(found: Sequence[Step]) -> frozenset[str]:
    """Return the names that are there only after a rename."""
    return frozenset(one.operation.name for one in found if isinstance(one.operation, RenameColumn))


def _mentions(step: Step, names: frozenset[str]) -> bool:
    return bool(names) and any(word in names for _, word, _, _ in tokens(step.sql))


def _nullable(step: Step) -> Step:
    """Let a new column be NULL at first, where rows of the old application have no value for it."""
    operation = step.operation
    if not isinstance(operation, AddColumn) or operation.serial is not None:
        return step
    column = operation.column
    if column.not_null is None or column.default is not None or column.identity is not None:
        return step
    head, _, _ = step.sql.partition(" CONSTRAINT ")
    text = head.removesuffix(" NOT NULL")
    loose: Column = replace(column, not_null=None)
    return replace(step, sql=text, operation=AddColumn(loose), note=None)
