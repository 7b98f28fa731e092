"""The end of second names: recipes drop them in the transaction of the renames that replace them.

`composing` calls this with the plain steps that follow the recipes of a contract.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from limbeck.phased.expand.recipe import Recipe
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.steps import Step, Unit

REASON = "Names of {} change hands at once, so that none is missing meanwhile."


def switched(recipes: Sequence[Recipe], rest: Sequence[Step]) -> Iterator[Step]:
    """Yield plain steps with the switch of each recipe right before the renames that it covers.

    Renames of one recipe do not depend on those of another, unless a step between them makes room
    for a name; then all of them share a transaction.

    Args:
        recipes: The recipes of the change.
        rest: The plain steps after the contract steps of the recipes; renames come first.

    """
    switches = [(recipe, steps) for recipe in recipes if (steps := list(recipe.switch()))]
    last = max((n for n, step in enumerate(rest) if _renames(step, switches)), default=-1)
    renames, others = rest[: last + 1], rest[last + 1 :]
    schemas = [step for step in renames if step.address.kind == "schema"]
    yield from schemas
    free = [step for step in renames if step not in schemas]
    if all(_renames(step, switches) for step in free):
        for recipe, steps in switches:
            here = [*steps, *(step for step in free if recipe.covers(step))]
            yield from _together(here)
    else:
        yield from _together([*(step for _, steps in switches for step in steps), *free])
    yield from others


def _renames(step: Step, switches: Sequence[tuple[Recipe, list[Step]]]) -> bool:
    return step.verb == "rename" and any(recipe.covers(step) for recipe, _ in switches)


def unit_of(table: Address) -> Unit:
    """Return the unit in which objects of a table get other names."""
    return Unit((REASON.format(of(table)),))


def _together(steps: Sequence[Step]) -> Iterator[Step]:
    unit = unit_of(steps[0].address)
    yield from (step.in_unit(unit) for step in steps)
