"""Rewrite the steps of a change so that applications can go on while they run.

`generate` calls this for both revisions of a phased change and, with `recipes = "online"`, for
every revision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from limbeck.phased.online import recipes, spans, transactions
from limbeck.phased.online.scene import Scene
from limbeck.phased.online.transactions import Unit
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff import index_definitions
from limbeck.schema.diff.operations import AddConstraint, CreateIndex, DropIndex, Execute
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import quote


def steps(plain: Sequence[Step], before: Catalog, after: Catalog) -> tuple[Step, ...]:
    """Return steps to the same schema that hold no strong lock for long.

    Indexes are built CONCURRENTLY, constraints are added NOT VALID and validated in the next step,
    keys get their index first, and one transaction locks one table that existed before. Tables
    that the change creates get the plain form.

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


def _units(plain: Sequence[Step], scene: Scene) -> Iterator[Unit]:
    loose = spans.replacements(plain, scene)
    places = {last: plain[first] for first, last in loose.items()}
    inside = dict(spans.held(plain, loose))
    number = 0
    while number < len(plain):
        last = inside.get(number, number)
        if last > number:
            yield from _held(plain[number : last + 1], scene)
        elif number in places:
            yield from _replaced(places[number], plain[number], scene)
        elif number not in loose:
            yield from _single(plain[number], scene)
        number = last + 1


def _single(step: Step, scene: Scene) -> Iterator[Unit]:
    instead = recipes.recipe(step, scene)
    if instead is None:
        yield (step,)
    else:
        yield from ((each,) for each in (*instead.now, *instead.later))


def _held(span: Sequence[Step], scene: Scene) -> Iterator[Unit]:
    """Yield a span as one unit, and after it the builds and validations that can wait for its end.

    They cannot be part of it: CREATE INDEX CONCURRENTLY refuses to run in a transaction, and a
    validation would hold the span's locks for as long as it reads the table.
    """
    now: list[Step] = []
    later: list[Step] = []
    for number, step in enumerate(span):
        instead = _waiting(step, span[number + 1 :], scene)
        now += instead.now if instead else [step]
        later += instead.later if instead else []
    if now:
        yield tuple(now)
    yield from ((step,) for step in later)


def _waiting(step: Step, rest: Sequence[Step], scene: Scene) -> recipes.Recipe | None:
    """Return the recipe of a step that can wait for the end of its span."""
    match step.operation:
        case CreateIndex(index) if not any(later.names({index.name}) for later in rest):
            return recipes.recipe(step, scene)
        case AddConstraint(constraint) if constraint.type in "cf":
            return recipes.recipe(step, scene)
    return None


def _replaced(dropped: Step, created: Step, scene: Scene) -> Iterator[Unit]:
    """Build the new index beside the old one, so that queries and uniqueness always have one."""
    match created.operation:
        case AddConstraint(constraint) if recipes.recipe(created, scene):
            name = _beside(constraint.name)
            yield (recipes.unique_index(created, constraint, name),)
            yield (dropped, recipes.using(created, constraint, name))
        case CreateIndex(index) if isinstance(dropped.operation, DropIndex) and scene.plain(
            index.table
        ):
            yield from _renewed(dropped, created, index, scene)
        case _:
            yield (dropped, created)


def _renewed(dropped: Step, created: Step, index: Index, scene: Scene) -> Iterator[Unit]:
    name = _beside(index.name)
    new = replace(index, name=name, definition=index_definitions.named(index.definition, name))
    built = replace(created, operation=CreateIndex(new))
    rename = f"ALTER INDEX {of(new.address)} RENAME TO {quote(index.name)}"
    for step in (built, dropped):
        yield from _single(step, scene)
    yield (Step(Execute(rename, "rename", index.address)),)


def _beside(name: str) -> str:
    return f"{name.encode()[: recipes.LONGEST_NAME - 4].decode(errors='ignore')}_new"
