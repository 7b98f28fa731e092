"""From steps to steps that can run beside the application."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from limbeck.phased.online import recipes, spans, transactions
from limbeck.phased.online.scene import Scene
from limbeck.phased.online.transactions import Unit
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of, quote
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff import index_definitions
from limbeck.schema.diff.operations import AddConstraint, CreateIndex, DropIndex, Execute
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.lexer import identifiers


def steps(found: Sequence[Step], before: Catalog, after: Catalog) -> tuple[Step, ...]:
    """Return steps that come to the same, but hold no strong lock for long.

    Indexes are built CONCURRENTLY, constraints are added NOT VALID and validated in the next step,
    keys get their index first, and one transaction locks one table that was there before. Tables
    that the change creates get the plain form.

    Args:
        found: what diff.steps gave for these two catalogs.
        before: the catalog that the steps start from.
        after: the catalog that they lead to.

    """
    scene = Scene.of(found, before, after)
    if not any(map(scene.locks, found)) and not any(map(_on_view, found)):
        return tuple(found)
    return transactions.split(_units(found, scene), scene)


def _on_view(step: Step) -> bool:
    operation = step.operation
    return isinstance(operation, CreateIndex | DropIndex) and operation.item.table.kind == "view"


def _units(found: Sequence[Step], scene: Scene) -> Iterator[Unit]:
    loose = spans.replacements(found, scene)
    places = {last: found[first] for first, last in loose.items()}
    inside = dict(spans.held(found, loose))
    number = 0
    while number < len(found):
        last = inside.get(number, number)
        if last > number:
            yield from _held(found[number : last + 1], scene)
        elif number in places:
            yield from _replaced(places[number], found[number], scene)
        elif number not in loose:
            yield from _single(found[number], scene)
        number = last + 1


def _single(step: Step, scene: Scene) -> Iterator[Unit]:
    instead = recipes.recipe(step, scene)
    if instead is None:
        yield (step,)
    else:
        yield from ((one,) for one in (*instead.now, *instead.later))


def _held(found: Sequence[Step], scene: Scene) -> Iterator[Unit]:
    """Keep a span together; what can wait for its end does."""
    now: list[Step] = []
    later: list[Step] = []
    for number, step in enumerate(found):
        instead = _waiting(step, found[number + 1 :], scene)
        now += instead.now if instead else [step]
        later += instead.later if instead else []
    if now:
        yield tuple(now)
    yield from ((step,) for step in later)


def _waiting(step: Step, rest: Sequence[Step], scene: Scene) -> recipes.Recipe | None:
    match step.operation:
        case CreateIndex(index) if not any(_names(one, index) for one in rest):
            return recipes.recipe(step, scene)
        case AddConstraint(constraint) if constraint.type in "cf":
            return recipes.recipe(step, scene)
    return None


def _names(step: Step, index: Index) -> bool:
    # Most steps do not have the name anywhere, which is seen without reading their tokens.
    return quote(index.name) in step.sql and index.name in identifiers(step.sql)


def _replaced(dropped: Step, created: Step, scene: Scene) -> Iterator[Unit]:
    """Build what is new beside what is old, then let it take the place."""
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
