"""The graph of actions: which comes after which, and which share one statement.

`ordering` adds the actions and their order, `folding` says what is part of another's statement, and
`compare` renders the sorted groups. Circles are common: two tables with foreign keys to each other
are created by CREATE TABLE statements that each need the other. They are opened in three stages,
from the least to the most invasive:

1. `settle` unfolds actions: the foreign keys become statements of their own, after both tables.
2. `settle` drops soft edges, which are wishes and not needs.
3. `deciding.give_way` replaces an object instead of altering it, and builds the graph again. A
   circle that is still left is cut at the action that ranks first, and Postgres decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import field
from typing import NamedTuple

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.blocks import circle_in, line_up


class Node(NamedTuple):
    """One action: `verb` is drop, aside (rename out of the way), alter or create."""

    verb: str
    address: Address


# The turns in which orders are given up that are no needs: mere wishes go first.
WISH, LIKELY = 1, 2
Rank = Callable[[Node], tuple[object, ...]]


@dataclass(slots=True)
class Graph:
    """The actions of a change.

    Attributes:
        after: The actions that each action comes after.
        soft: Edges (later, earlier) that are dropped where they make a circle, with their
            strength, WISH or LIKELY.
        leader: The action whose statement an action is folded into.
        firmness: How firmly it is folded: 0 for ever, else the lowest number is unfolded first.
        second: The leader that an action gets when it is unfolded from its first one.

    """

    after: dict[Node, set[Node]] = field(default_factory=lambda: defaultdict(set))
    soft: dict[tuple[Node, Node], int] = field(default_factory=dict)
    leader: dict[Node, Node] = field(default_factory=dict)
    firmness: dict[Node, int] = field(default_factory=dict)
    second: dict[Node, Node] = field(default_factory=dict)

    def add(self, node: Node) -> None:
        """Add an action."""
        self.after[node]  # a defaultdict: reading adds

    def creates(self, address: Address) -> bool:
        """Return whether an object is to be created."""
        return Node("create", address) in self.after

    def order(self, later: Node, earlier: Node, *, soft: int = 0) -> None:
        """Put one action after another, if both are in the graph.

        Args:
            later: The action that comes later.
            earlier: The one before it.
            soft: 0 for a need, else WISH or LIKELY.

        """
        if later == earlier or later not in self.after or earlier not in self.after:
            return
        # A need outweighs a wish for the same order, whichever was stated first.
        edge, known = (later, earlier), earlier in self.after[later]
        if not soft:
            self.soft.pop(edge, None)
        elif not known or edge in self.soft:
            self.soft[edge] = max(soft, self.soft.get(edge, 0))
        self.after[later].add(earlier)

    def fold(self, node: Node, into: Node, firmness: int, second: Node | None = None) -> None:
        """Make an action part of another one's statement.

        Args:
            node: The action.
            into: The action whose statement includes it.
            firmness: 0 if it has no statement of its own, else its place among those to unfold.
            second: The action that includes it for good once it is unfolded from `into`.

        """
        self.leader[node] = into
        self.firmness[node] = firmness
        if second is not None:
            self.second[node] = second

    def head(self, node: Node) -> Node:
        """Return the action whose statement carries out `node`: folding can be nested."""
        while node in self.leader:
            node = self.leader[node]
        return node

    def settle(self) -> set[Node]:
        """Open circles by unfolding actions, then by dropping wishes.

        Returns:
            A circle that is left, or an empty set.

        """
        while circle := circle_in(self._edges()):
            if not self._unfold(circle) and not self._relax(circle):
                return circle
        return set()

    def sorted(self, rank: Rank) -> list[list[Node]]:
        """Return the groups of folded actions in order, each with its leader first."""
        return [group for block in self.blocks(rank) for group in block]

    def blocks(
        self,
        rank: Rank,
        units: Iterable[Collection[Node]] = (),
        neighbours: Iterable[Collection[Node]] = (),
        place: Callable[[Node], object] = lambda _: None,
    ) -> list[list[list[Node]]]:
        """Return the groups of folded actions in order, those of a unit in one block.

        Args:
            rank: The order of actions that could come next.
            units: Actions that must follow each other, with what has to come between them.
            neighbours: Actions that should follow each other, if nothing has to come between.
            place: What actions should share with the one before them, if it is not None.

        """
        while circle := self.settle():
            self._cut(circle, rank)
        groups: dict[Node, list[Node]] = {}
        for node in self.after:
            groups.setdefault(self.head(node), [])
        for node in self.leader:
            groups[self.head(node)].append(node)
        blocks = line_up(self._edges(), rank, self._heads(units), self._heads(neighbours), place)
        return [[[head, *groups[head]] for head in block] for block in blocks]

    def _heads(self, sets: Iterable[Collection[Node]]) -> list[list[Node]]:
        return [list(dict.fromkeys(map(self.head, nodes))) for nodes in sets]

    def _edges(self) -> dict[Node, set[Node]]:
        """Return the order of statements: a statement comes after all that its actions need."""
        edges: dict[Node, set[Node]] = {self.head(node): set() for node in self.after}
        for node, earlier in self.after.items():
            head = self.head(node)
            edges[head].update(h for other in earlier if (h := self.head(other)) != head)
        return edges

    def _unfold(self, circle: set[Node]) -> bool:
        """Unfold the least firm actions that close a circle; return whether there were any.

        Only the least firm ones: without them the others may stay folded, which keeps CREATE TABLE
        as complete as possible.
        """
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
        """Return whether a folded action, with those folded into it, closes the circle."""
        others = circle - {self.head(node)}
        out = any(self.head(e) in others for member in group for e in self.after[member])
        return out or any(
            self.head(later) in others and not group.isdisjoint(earlier)
            for later, earlier in self.after.items()
        )

    def _relax(self, circle: set[Node]) -> bool:
        """Drop the weakest wishes within a circle; return whether there were any."""
        loose = [
            edge
            for edge in self.soft
            if self.head(edge[0]) in circle and self.head(edge[1]) in circle
        ]
        weakest = min((self.soft[edge] for edge in loose), default=0)
        for later, earlier in [edge for edge in loose if self.soft[edge] == weakest]:
            self.after[later].discard(earlier)
            del self.soft[later, earlier]
        return bool(loose)

    def _cut(self, circle: set[Node], rank: Rank) -> None:
        """Put the statement of a circle that ranks first before the others, whatever it needs."""
        first = min(circle, key=rank)
        for node, earlier in self.after.items():
            if self.head(node) == first:
                earlier.difference_update(e for e in list(earlier) if self.head(e) in circle)
