"""From two catalogs to ordered steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.diff import folding, grants, ordering, parts, renaming, sql, types
from limbeck.schema.diff.fates import Fates, decide, give_way
from limbeck.schema.diff.graph import Graph, Node
from limbeck.schema.diff.kinds import KINDS
from limbeck.schema.diff.operations import AddValue
from limbeck.schema.diff.situation import Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.renames.rename import Rename

VERBS = {"aside": 1, "drop": 0, "alter": 1, "create": 2}


def steps(before: Catalog, after: Catalog, renames: Sequence[Rename] = ()) -> tuple[Step, ...]:
    """Return the statements that turn a database like `before` into exactly `after`, in order.

    `renames` says what is the same object under another name, outer ones first; everything else
    that has no counterpart is dropped or created.

    Raises:
        DatabaseError: the servers' majors differ.

    """
    if not before.changes_to(after) and not renames:
        return ()
    renamed, first = renaming.apply(before, after, renames)
    fates = decide(parts.of(renamed), parts.of(after))
    return _apart((*first, *_ordered(fates)))


def _ordered(fates: Fates) -> Iterator[Step]:
    graph, situation = _graph(fates)
    while (circle := graph.settle()) and give_way(fates, circle):
        graph, situation = _graph(fates)
    for leader, *members in graph.sorted(_rank):
        yield from _render(leader, members, fates, situation)
    yield from grants.taken_back(fates.before, fates.after, sorted(situation.created))


def _graph(fates: Fates) -> tuple[Graph, Situation]:
    situation = fates.situation()
    graph = ordering.graph_of(fates, situation.asides)
    folding.fold(graph, fates.before, fates.after)
    return graph, situation


def _rank(node: Node) -> tuple[object, ...]:
    verb, address = node
    early = verb == "alter" and address.kind == "enum"
    rank = KINDS[address.kind].rank
    return (not early, VERBS[verb], -rank if verb == "drop" else rank, address)


def _render(
    leader: Node, members: Sequence[Node], fates: Fates, situation: Situation
) -> list[Step]:
    verb, address = leader
    kind = KINDS[address.kind]
    if verb == "create":
        folded = [fates.after[m.address] for m in members if m.verb == "create"]
        return kind.create(fates.after[address], folded, situation)
    if verb == "drop":
        return kind.drop(fates.before[address], situation)
    if verb == "aside":
        return types.aside(fates.before[address], situation)  # type: ignore[arg-type]
    alteration = fates.alteration(address, situation)
    return list(alteration.steps) if alteration else []


def _apart(found: Sequence[Step]) -> tuple[Step, ...]:
    """Mark the new enum values that a later step of the same change uses."""
    return tuple(
        replace(step, outside=True)
        if isinstance(step.operation, AddValue) and _used(step.operation, found[n + 1 :])
        else step
        for n, step in enumerate(found)
    )


def _used(added: AddValue, later: Sequence[Step]) -> bool:
    label = sql.literal(added.label)
    return any(label in step.sql for step in later if not isinstance(step.operation, AddValue))
