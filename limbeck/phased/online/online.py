"""Rewrite the steps of a change so that applications can go on while they run.

`generate` calls this for both revisions of a phased change and, with `recipes = "online"`, for
every revision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from limbeck.phased.online import beforehand, recipes, spans, transactions
from limbeck.phased.online.scene import Scene
from limbeck.phased.online.transactions import Together
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.diff.column_operations import AddNotNull, AlterNotNull
from limbeck.schema.diff.operations import AddConstraint, CreateIndex, DropIndex
from limbeck.schema.diff.steps import Step


def steps(plain: Sequence[Step], before: Catalog, after: Catalog) -> tuple[Step, ...]:
    """Return steps to the same schema that hold no strong lock for long.

    Indexes are built CONCURRENTLY, constraints are added NOT VALID and validated in the next step,
    keys get their index first, and one transaction locks one table that existed before. Tables
    that the change creates get the plain form. The steps of a unit share a transaction.

    Args:
        plain: The steps of `compare.steps` for these two catalogs.
        before: The catalog that the steps start from.
        after: The catalog that they lead to.

    """
    scene = Scene.of(plain, before, after)
    if not any(map(scene.locks, plain)) and not any(map(_on_view, plain)):
        return tuple(plain)
    return transactions.split(_units(plain, scene), scene)


def _on_view(step: Step) -> bool:
    operation = step.operation
    return isinstance(operation, CreateIndex | DropIndex) and operation.item.table.kind == "view"


def _units(plain: Sequence[Step], scene: Scene) -> Iterator[Together]:
    inside = dict(spans.held(plain))
    number = 0
    while number < len(plain):
        last = inside.get(number, number)
        if last > number:
            yield from _held(plain[number : last + 1], scene)
        else:
            yield from _single(plain[number], scene)
        number = last + 1


def _single(step: Step, scene: Scene) -> Iterator[Together]:
    instead = recipes.recipe(step, scene)
    if instead is None:
        yield (step,)
    else:
        yield from ((each,) for each in (*instead.now, *instead.later))


def _held(span: Sequence[Step], scene: Scene) -> Iterator[Together]:
    """Yield what is built before a unit, its steps in one transaction, and what can wait for them.

    Builds and validations cannot be part of it: CREATE INDEX CONCURRENTLY refuses to run in a
    transaction, and a validation would hold the locks for as long as it reads the table.
    """
    exchanged = list(beforehand.exchanges(span, scene)) if beforehand.keeps_indexes(span) else []
    if exchanged:
        places = {place for pair in exchanged for place in pair}
        yield from _held([step for n, step in enumerate(span) if n not in places], scene)
        for pair in exchanged:
            yield from _held([span[place] for place in pair], scene)
        return
    first: list[Step] = []
    now: list[Step] = []
    later: list[Step] = []
    for number, step in enumerate(span):
        if built := beforehand.build(step, span[:number], scene):
            first.append(built.first)
            now += built.now
        elif instead := _waiting(step, span[:number], span[number + 1 :], scene):
            now += instead.now
            later += instead.later
        else:
            now.append(step)
    yield from ((step,) for step in first)
    if all(map(_of_index, now)):
        for step in now:
            yield from _single(step, scene)
    else:
        yield tuple(now)
    yield from ((step,) for step in later)


def _of_index(step: Step) -> bool:
    """Return whether a step drops or renames an index, which needs no other step to be atomic."""
    return isinstance(step.operation, DropIndex) or (step.verb, step.address.kind) == (
        "rename",
        "index",
    )


def _waiting(
    step: Step, done: Sequence[Step], rest: Sequence[Step], scene: Scene
) -> recipes.Recipe | None:
    """Return the recipe of a step that can wait for the end of its unit.

    A unique index that is created again cannot: meanwhile duplicates would be accepted, and
    ON CONFLICT would fail.
    """
    match step.operation:
        case CreateIndex(index) if index.unique and any(
            isinstance(each.operation, DropIndex) and each.address == step.address for each in done
        ):
            return None
        case CreateIndex(index) if not any(later.names({index.name}) for later in rest):
            return recipes.recipe(step, scene)
        case AddConstraint(constraint) if constraint.type in "cf":
            return recipes.recipe(step, scene)
        case AlterNotNull(after=Column() as column) | AddNotNull(column):
            # An identity and a primary key need a column that is NOT NULL.
            needed = any(later.names({column.name}) for later in rest)
            return None if needed else recipes.recipe(step, scene)
    return None
