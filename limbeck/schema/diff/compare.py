"""Two catalogs as the ordered steps that lead from one to the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.lowest import written_for
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.diff import (
    columns,
    folding,
    grants,
    ordering,
    parts,
    renaming,
    requirements,
    retyping,
    stale,
    types,
    units,
)
from limbeck.schema.diff.deciding import decide, give_way
from limbeck.schema.diff.fates import Fates
from limbeck.schema.diff.graph import Graph, Node
from limbeck.schema.diff.kinds import KINDS
from limbeck.schema.diff.operations import AddValue, CreateFunction
from limbeck.schema.diff.situation import Situation
from limbeck.schema.diff.slicing import sliced
from limbeck.schema.diff.steps import Step, Unit
from limbeck.schema.renames.rename import Rename

# Of actions that could come next, drops come first: they free names and dependencies.
VERBS = {"aside": 1, "park": 1, "drop": 0, "alter": 1, "create": 2}


def steps(
    before: Catalog,
    after: Catalog,
    renames: Sequence[Rename] = (),
    *,
    lowest_major: int | None = None,
    using: Mapping[Address, str] | None = None,
) -> tuple[Step, ...]:
    """Return the steps that turn a database like `before` into exactly `after`, in order.

    Args:
        before: The catalog to start from.
        after: The catalog to reach.
        renames: Objects that stay under another name, outer ones first. Every other object
            without a counterpart is dropped or created.
        lowest_major: The lowest major that must accept the statements; by default that of the
            catalogs. What it does not store is no difference then (`schema.catalog.lowest`).
        using: Expressions that compute the values of a new type, by column.

    Raises:
        ConfigurationError: The lowest major has no form of a statement that the change needs.
        DatabaseError: The servers' majors differ.

    """
    target = min(lowest_major or before.major, before.lowest_major, after.lowest_major)
    before, after = written_for(before, target), written_for(after, target)
    changes = before.changes_to(after)
    if not changes and not renames:
        return ()
    renamed, first = renaming.apply(before, after, renames)
    if renamed is not before:
        changes = renamed.changes_to(after)
    left, right = sliced(renamed, after, changes)
    fates = decide(parts.of(left), parts.of(right), using or {})
    requirements.check(fates)
    return _apart((*first, *_ordered(fates)))


def _ordered(fates: Fates) -> Iterator[Step]:
    graph, situation = _graph(fates)
    while (circle := graph.settle()) and give_way(fates, circle):
        graph, situation = _graph(fates)
    chosen = units.of_graph(graph, fates)
    owners: dict[Node, list[tuple[Unit, frozenset[Node]]]] = defaultdict(list)
    for unit, nodes in chosen:
        for node in nodes:
            owners[node].append((unit, nodes))
    taken_back = grants.taken_back(situation)
    columns = units.retyped(graph, fates)
    for block in graph.blocks(_rank, [nodes for _, nodes in chosen], columns, fates.table):
        actions = [node for group in block for node in group]
        steps = retyping.combined(
            _render(*group, fates=fates, situation=situation) for group in block
        )
        created = [node.address for node in actions if node.verb == "create"]
        steps += [step for address in created for step in taken_back.get(address, ())]
        here = list(dict.fromkeys(unit for node in actions for unit in owners.get(node, ())))
        yield from _together(steps, here)


def _together(
    steps: Sequence[Step], chosen: Sequence[tuple[Unit, frozenset[Node]]]
) -> Iterator[Step]:
    """Yield the steps of a block, with the reasons of all units in it."""
    if len(steps) < 2 or not chosen:  # noqa: PLR2004 - one step is a unit by itself
        yield from steps
        return
    unit = Unit(units.reasons(chosen), any(unit.joint for unit, _ in chosen))
    yield from (step.in_unit(unit) for step in steps)


def _graph(fates: Fates) -> tuple[Graph, Situation]:
    situation = fates.situation()
    graph = ordering.graph_of(fates, situation.asides)
    folding.fold(graph, fates.before, fates.after)
    return graph, situation


def _rank(node: Node) -> tuple[object, ...]:
    """Return the place of an action among those that could come next.

    New enum labels come first of all, so that the steps outside a transaction are not in the
    middle. Objects are dropped in the reverse of the order in which they are created.
    """
    verb, address = node
    early = verb == "alter" and address.kind == "enum"
    rank = KINDS[address.kind].rank
    return (not early, VERBS[verb], -rank if verb == "drop" else rank, address)


def _render(leader: Node, *members: Node, fates: Fates, situation: Situation) -> list[Step]:
    verb, address = leader
    kind = KINDS[address.kind]
    if verb == "create":
        folded = [fates.after[m.address] for m in members if m.verb == "create"]
        steps = kind.create(fates.after[address], folded, situation)
        return stale.explained(steps) if _only_stale(address, fates) else steps
    if verb == "drop":
        return kind.drop(fates.before[address], situation)
    if verb == "aside":
        return types.aside(fates.before[address], situation)  # type: ignore[arg-type]
    if verb == "park":
        return columns.park(fates.before[address], situation)  # type: ignore[arg-type]
    alteration = fates.alteration(address, situation)
    return _altered(list(alteration.steps) if alteration else [], address, fates)


def _altered(steps: list[Step], address: Address, fates: Fates) -> list[Step]:
    """Return the steps of an alteration, with what a changed function makes necessary."""
    column = fates.stale[address].part if address in fates.stale else None
    if isinstance(column, Column) and not stale.computed_anew(fates.before[address], column):
        steps.append(stale.recomputed(column))
    warning = stale.warning(address, fates.stale)
    if warning is None:
        return steps
    warned = (isinstance(step.operation, CreateFunction) for step in steps)
    return [replace(s, note=warning) if w else s for s, w in zip(steps, warned, strict=True)]


def _only_stale(address: Address, fates: Fates) -> bool:
    """Return whether a part is created again only because of a function that it calls."""
    return address in fates.stale and fates.before.get(address) == fates.after[address]


def _apart(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Mark new enum labels that a later step uses.

    A label can only be used once the transaction that added it has committed: ALTER TYPE, Notes.
    """
    return tuple(
        replace(step, outside=True)
        if isinstance(step.operation, AddValue) and _used(step.operation, steps[number + 1 :])
        else step
        for number, step in enumerate(steps)
    )


def _used(added: AddValue, later: Sequence[Step]) -> bool:
    # Labels stand in expressions of any kind: defaults, checks, views, bodies of functions.
    uses = (step for step in later if not isinstance(step.operation, AddValue))
    return any(step.has_string(added.label) for step in uses)
