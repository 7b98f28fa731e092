"""Successors: keys, indexes and constraints that take over from one of another name.

The same name is no sign: a unique index takes over from a constraint, or a key on two columns from
one on the first of them. Two of the same class on one table, with a column in common, count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff.fates import Fates
from limbeck.schema.diff.graph import Graph, Node
from limbeck.schema.diff.part import Part, Required, derived

# The class of a constraint by its type: what rejects or finds the same rows.
CLASSES = {"p": "key", "u": "key", "f": "reference", "c": "check", "x": "exclusion"}


class _Rule(NamedTuple):
    """What can have a successor: its class, its table, and its columns."""

    group: str
    table: Address
    columns: frozenset[str]


def pairs(graph: Graph, fates: Fates) -> Iterator[tuple[Node, Node]]:
    """Yield the drop of a key, index or constraint, and the creation of its successor."""
    created: dict[tuple[str, Address], list[tuple[Node, _Rule]]] = defaultdict(list)
    for node in graph.after:
        if (
            node.verb == "create"
            and node not in graph.leader
            and (rule := _rule(fates.after[node.address], graph))
        ):
            created[rule[:2]].append((node, rule))
    if not created:
        return
    for node in list(graph.after):
        if (
            node.verb == "drop"
            and node not in graph.leader
            and (rule := _rule(fates.before[node.address], graph))
        ):
            for new, other in created.get(rule[:2], ()):
                if rule.columns & other.columns:
                    yield node, new


def _rule(part: Part, graph: Graph) -> _Rule | None:
    rule = None if derived(part) else _described(part)
    if rule is None or any(Node(verb, rule.table) in graph.after for verb in ("create", "drop")):
        return None
    return rule


def _described(part: Part) -> _Rule | None:
    if isinstance(part, Constraint):
        table = Address("table", part.schema, part.table)
        return _Rule(CLASSES[part.type], table, frozenset(part.columns))
    if isinstance(part, Required):
        table = Address("table", part.column.schema, part.column.table)
        return _Rule("check", table, frozenset({part.column.name}))
    if isinstance(part, Index):
        names = [key.column or key.expression or "" for key in part.keys]
        # A unique index replaces a key of any order; another one is found by its first column.
        return _Rule(
            "key" if part.unique else "index",
            part.table,
            frozenset(names if part.unique else names[:1]),
        )
    return None
