"""Blocks: the nodes of a graph in order, with those of one unit next to each other.

`Graph.blocks` calls this for the statements of a change. A unit that lies around other nodes (they
need one of its nodes, and another one needs them) takes them in.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

N = TypeVar("N", bound=tuple[Any, ...])
Edges = Mapping[N, set[N]]
"""The nodes that each node comes after."""


def line_up(
    edges: Edges[N],
    rank: Callable[[N], tuple[object, ...]],
    units: Iterable[Collection[N]] = (),
    neighbours: Sequence[Collection[N]] = (),
    place: Callable[[N], object] = lambda _: None,
) -> list[list[N]]:
    """Return the nodes in blocks, in order; most blocks have one node.

    Args:
        edges: The nodes, without circles.
        rank: The order of nodes that could come next.
        units: Nodes that must be in one block.
        neighbours: Nodes that should follow each other, where no other has to come between.
        place: What blocks should share with the one before them, if it is not None.

    """
    small = _near(edges, neighbours)
    near = _joined(edges, small)
    large = _merge({node: node for node in near}, ([small[n] for n in unit] for unit in units))
    while circle := circle_in(_joined(near, large)):
        large = _merge(large, [circle])
    nodes, groups = _members(small), _members(large)
    ranks = {first: min(map(rank, nodes[first])) for first in nodes}
    lowest = {first: min(ranks[each] for each in groups[first]) for first in groups}
    return [
        [
            node
            for first in topological(_within(near, groups[block]), ranks.__getitem__)
            for node in topological(_within(edges, nodes[first]), rank)
        ]
        for block in topological(_joined(near, large), lowest.__getitem__, place)
    ]


def _near(edges: Edges[N], neighbours: Sequence[Collection[N]]) -> dict[N, N]:
    """Return the representative of each node after joining the neighbours that can be joined."""
    alone = {node: node for node in edges}
    every = _merge(alone, neighbours)
    if not circle_in(_joined(edges, every)):
        return every
    for nodes in neighbours:
        wider = _merge(alone, [nodes])
        alone = alone if circle_in(_joined(edges, wider)) else wider
    return alone


def _merge(home: Mapping[N, N], groups: Iterable[Collection[N]]) -> dict[N, N]:
    """Return the representatives after joining each group."""
    members: dict[N, list[N]] = defaultdict(list)
    for node, first in home.items():
        members[first].append(node)
    merged = dict(home)
    for group in groups:
        first, *others = dict.fromkeys(merged[node] for node in group)
        for other in others:
            for node in members.pop(other):
                merged[node] = first
                members[first].append(node)
    return merged


def _joined(edges: Edges[N], home: Mapping[N, N]) -> dict[N, set[N]]:
    """Return the edges between the representatives."""
    joined: dict[N, set[N]] = {home[node]: set() for node in edges}
    for node, earlier in edges.items():
        joined[home[node]].update(home[other] for other in earlier)
    for node, earlier in joined.items():
        earlier.discard(node)
    return joined


def _members(home: Mapping[N, N]) -> dict[N, list[N]]:
    members: dict[N, list[N]] = defaultdict(list)
    for node, first in home.items():
        members[first].append(node)
    return members


def _within(edges: Edges[N], nodes: Collection[N]) -> dict[N, set[N]]:
    inside = set(nodes)
    return {node: edges[node] & inside for node in nodes}


def topological(
    edges: Mapping[N, Collection[N]],
    rank: Callable[[N], tuple[object, ...]],
    place: Callable[[N], object] = lambda _: None,
) -> list[N]:
    """Return the nodes in order; of several that could come next, the first in rank.

    Kahn's algorithm with a heap, so that the same change gives the same statements everywhere.

    Args:
        edges: The nodes that each node comes after.
        rank: The order of nodes that could come next.
        place: What nodes should share with the one before them, such as a table, if not None.

    """
    if len(edges) == 1:
        return list(edges)
    later: dict[N, list[N]] = defaultdict(list)
    waiting = {node: len(set(earlier)) for node, earlier in edges.items()}
    for node, earlier in edges.items():
        for other in set(earlier):
            later[other].append(node)
    ready = _Ready(rank, place)
    for node, count in waiting.items():
        if not count:
            ready.add(node)
    line: list[N] = []
    while (first := ready.pop()) is not None:
        line.append(first)
        for other in later[first]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.add(other)
    return line


class _Ready(Generic[N]):
    """The nodes that could come next, in one heap and in one for each place."""

    def __init__(
        self, rank: Callable[[N], tuple[object, ...]], place: Callable[[N], object]
    ) -> None:
        self.rank = rank
        self.place = place
        self.here: object = None
        self.gone: set[N] = set()
        self.heaps: dict[object, list[tuple[tuple[object, ...], N]]] = {None: []}

    def add(self, node: N) -> None:
        entry = (self.rank(node), node)
        for key in {None, self.place(node)}:
            heapq.heappush(self.heaps.setdefault(key, []), entry)

    def pop(self) -> N | None:
        """Return the next node: the first of the same place, or else of all."""
        for key in (self.here, None):
            heap = self.heaps[key]
            while heap:
                _, node = heapq.heappop(heap)
                if node not in self.gone:
                    self.gone.add(node)
                    self.here = self.place(node)
                    return node
        return None


def circle_in(edges: Edges[N]) -> set[N]:
    """Return one strongly connected component of several nodes, or an empty set.

    Most graphs have none, and a schema has thousands of nodes. So nodes that come after nothing are
    removed first, in linear time; only among the rest a component is searched, from each node both
    ways.
    """
    rest = {node: set(earlier) for node, earlier in edges.items()}
    users: dict[N, set[N]] = defaultdict(set)
    for node, earlier in edges.items():
        for other in earlier:
            users[other].add(node)
    _strip(rest, users)
    if not rest:
        return set()
    return next((c for node in sorted(rest) if len(c := _component(node, rest, users)) > 1), set())


def _strip(rest: dict[N, set[N]], users: Edges[N]) -> None:
    """Remove the nodes that come after nothing, again and again."""
    free = [node for node, earlier in rest.items() if not earlier]
    while free:
        node = free.pop()
        del rest[node]
        for user in users[node]:
            rest[user].discard(node)
            if not rest[user]:
                free.append(user)


def _component(start: N, edges: Edges[N], users: Edges[N]) -> set[N]:
    return _reach(start, edges, edges) & _reach(start, users, edges)


def _reach(start: N, edges: Edges[N], within: Edges[N]) -> set[N]:
    reached, todo = {start}, [start]
    while todo:
        for node in edges[todo.pop()]:
            if node in within and node not in reached:
                reached.add(node)
                todo.append(node)
    return reached
