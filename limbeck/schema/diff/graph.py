"""Ordering: actions, what must come before what, and what is folded into one statement."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from limbeck.schema.catalog.objects.address import Address


class Node(NamedTuple):
    """One action: verb is drop, aside (renamed out of the way), alter or create."""

    verb: str
    address: Address


Rank = Callable[[Node], tuple[object, ...]]


@dataclass(slots=True)
class Graph:
    """Nodes, the nodes each of them comes after, and the groups they are folded into.

    `soft` edges are wishes: they give way where they would make a circle.
    """

    after: dict[Node, set[Node]] = field(default_factory=lambda: defaultdict(set))
    soft: set[tuple[Node, Node]] = field(default_factory=set)
    leader: dict[Node, Node] = field(default_factory=dict)
    firmness: dict[Node, int] = field(default_factory=dict)
    second: dict[Node, Node] = field(default_factory=dict)

    def add(self, node: Node) -> None:
        """Add an action."""
        self.after[node]  # a defaultdict: looking is adding

    def creates(self, address: Address) -> bool:
        """Tell whether something is to be created."""
        return Node("create", address) in self.after

    def order(self, later: Node, earlier: Node, *, soft: bool = False) -> None:
        """Say that one action comes after another, where both are to be done."""
        if later == earlier or later not in self.after or earlier not in self.after:
            return
        if soft and earlier not in self.after[later]:
            self.soft.add((later, earlier))
        elif not soft:
            self.soft.discard((later, earlier))
        self.after[later].add(earlier)

    def fold(self, node: Node, into: Node, firmness: int, second: Node | None = None) -> None:
        """Make a node part of another's statement; the least firm is unfolded first.

        It then goes to its second home for good, if it has one.
        """
        self.leader[node] = into
        self.firmness[node] = firmness
        if second is not None:
            self.second[node] = second

    def head(self, node: Node) -> Node:
        """Return the node whose statement does what `node` asks for."""
        while node in self.leader:
            node = self.leader[node]
        return node

    def settle(self) -> set[Node]:
        """Open circles by unfolding what can stand alone, then by dropping wishes.

        Returns:
            A circle that is left, or nothing.

        """
        while circle := _circle(self._edges()):
            if not self._unfold(circle) and not self._relax(circle):
                return circle
        return set()

    def sorted(self, rank: Rank) -> list[list[Node]]:
        """Return the groups in order, each with its leader first.

        A circle that is left is cut at the node that ranks first.
        """
        while circle := self.settle():
            self._cut(circle, rank)
        return self._line_up(rank)

    def _edges(self) -> dict[Node, set[Node]]:
        edges: dict[Node, set[Node]] = {self.head(node): set() for node in self.after}
        for node, earlier in self.after.items():
            head = self.head(node)
            edges[head].update(h for one in earlier if (h := self.head(one)) != head)
        return edges

    def _unfold(self, circle: set[Node]) -> bool:
        folded = [node for node in self.leader if self.head(node) in circle]
        within: dict[Node, set[Node]] = defaultdict(set)
        for node in folded:
            above: Node | None = node
            while above is not None:
                within[above].add(node)
                above = self.leader.get(above)
        loose = [n for n in folded if self.firmness[n] and self._ties(n, within[n], circle)]
        if not loose:
            return False
        least = min(self.firmness[node] for node in loose)
        for node in [node for node in loose if self.firmness[node] == least]:
            del self.leader[node]
            if (home := self.second.pop(node, None)) is not None:
                self.fold(node, home, 0)
        return True

    def _ties(self, node: Node, group: set[Node], circle: set[Node]) -> bool:
        """Tell whether a folded node, with what is folded into it, closes the circle."""
        others = circle - {self.head(node)}
        out = any(self.head(e) in others for one in group for e in self.after[one])
        return out or any(
            self.head(later) in others and not group.isdisjoint(earlier)
            for later, earlier in self.after.items()
        )

    def _relax(self, circle: set[Node]) -> bool:
        loose = [
            (later, earlier)
            for later, earlier in self.soft
            if self.head(later) in circle and self.head(earlier) in circle
        ]
        for later, earlier in loose:
            self.after[later].discard(earlier)
            self.soft.discard((later, earlier))
        return bool(loose)

    def _cut(self, circle: set[Node], rank: Rank) -> None:
        first = min(circle, key=rank)
        for node, earlier in self.after.items():
            if self.head(node) == first:
                earlier.difference_update(e for e in list(earlier) if self.head(e) in circle)

    def _line_up(self, rank: Rank) -> list[list[Node]]:
        edges = self._edges()
        groups: dict[Node, list[Node]] = {head: [head] for head in edges}
        for node in self.leader:
            groups[self.head(node)].append(node)
        return [groups[head] for head in _topological(edges, rank)]


def _topological(edges: Mapping[Node, Iterable[Node]], rank: Rank) -> list[Node]:
    later: dict[Node, list[Node]] = defaultdict(list)
    waiting = {node: len(set(earlier)) for node, earlier in edges.items()}
    for node, earlier in edges.items():
        for one in set(earlier):
            later[one].append(node)
    ready = [(rank(node), node) for node, count in waiting.items() if not count]
    heapq.heapify(ready)
    line: list[Node] = []
    while ready:
        _, node = heapq.heappop(ready)
        line.append(node)
        for one in later[node]:
            waiting[one] -= 1
            if not waiting[one]:
                heapq.heappush(ready, (rank(one), one))
    return line


def _circle(edges: Mapping[Node, set[Node]]) -> set[Node]:
    """Return one strongly connected component of several nodes, or nothing."""
    rest = {node: set(earlier) for node, earlier in edges.items()}
    users: dict[Node, set[Node]] = defaultdict(set)
    for node, earlier in edges.items():
        for one in earlier:
            users[one].add(node)
    _strip(rest, users)
    if not rest:
        return set()
    return next((c for node in sorted(rest) if len(c := _component(node, rest, users)) > 1), set())


def _strip(rest: dict[Node, set[Node]], users: Mapping[Node, set[Node]]) -> None:
    """Take away, again and again, what comes after nothing."""
    free = [node for node, earlier in rest.items() if not earlier]
    while free:
        node = free.pop()
        del rest[node]
        for user in users[node]:
            rest[user].discard(node)
            if not rest[user]:
                free.append(user)


def _component(
    start: Node, edges: Mapping[Node, set[Node]], users: Mapping[Node, set[Node]]
) -> set[Node]:
    return _reach(start, edges, edges) & _reach(start, users, edges)


def _reach(
    start: Node, edges: Mapping[Node, set[Node]], within: Mapping[Node, set[Node]]
) -> set[Node]:
    found, todo = {start}, [start]
    while todo:
        for one in edges[todo.pop()]:
            if one in within and one not in found:
                found.add(one)
                todo.append(one)
    return found
