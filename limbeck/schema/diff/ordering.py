"""What must come before what."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import product

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Range
from limbeck.schema.diff import descent, sequences, sql, unproven
from limbeck.schema.diff.fates import Fates
from limbeck.schema.diff.graph import Graph, Node
from limbeck.schema.diff.part import (
    Attachment,
    Generator,
    Inheritance,
    Part,
    Required,
    derived,
    owner,
    sub,
)
from limbeck.schema.diff.parts import Parts

RELATIONS = frozenset({"table", "view", "sequence", "index", "composite"})
ROW_TYPES = frozenset({"table", "view", "composite", "enum", "domain", "range"})
# What a child table takes over from its parent in the moment that it becomes one.
TAKEN_OVER = frozenset({"column", "default", "not_null", "constraint", "identity"})

ALIGNED = (
    *product(("drop", "alter", "create"), ("column", "not_null", "default")),
    ("drop", "identity"),
)


def graph_of(fates: Fates, asides: Iterable[Address]) -> Graph:
    """Return all actions with what each of them comes after."""
    graph = Graph()
    for address, fate in fates.fate.items():
        for verb in ("drop", "create") if fate == "replace" else (fate,):
            graph.add(Node(verb, address))
    for address in asides:
        graph.add(Node("aside", address))
    for node in list(graph.after):
        _order(graph, node, fates)
    _order_names(graph, fates)
    _order_generators(graph)
    _order_children(graph, fates)
    _order_bodies(graph, fates)
    _order_logged(graph, fates)
    return graph


def _order(graph: Graph, node: Node, fates: Fates) -> None:
    verb, address = node
    aside = Node("aside", address)
    if verb in {"create", "alter"}:
        for used in fates.after.needs[address]:
            graph.order(node, Node("create", used))
            if verb == "alter" and _narrowed(address, fates):
                graph.order(Node("alter", used), node)
            else:
                graph.order(node, Node("alter", used))
    if verb in {"drop", "alter", "aside"}:
        for user in fates.before.users[address]:
            if verb != "aside" or Node("aside", user) not in graph.after:
                graph.order(node, Node("drop", user), soft=verb == "aside")
            if verb == "drop":
                graph.order(node, Node("alter", user))
    if verb == "drop":
        graph.order(node, aside)
    if verb == "create":
        graph.order(node, aside if aside in graph.after else Node("drop", address))


def _narrowed(address: Address, fates: Fates) -> bool:
    """Tell whether an identity must fit a narrower type before its column gets it."""
    before, after = fates.before.found.get(address), fates.after.found.get(address)
    return (
        isinstance(before, Generator)
        and isinstance(after, Generator)
        and sequences.narrows(before.identity.options, after.identity.options)
    )


def claims(address: Address, part: Part) -> Iterator[tuple[str, ...]]:
    """Yield the names that a part takes, where different kinds share a space of names."""
    kind, schema, name, _ = address
    if kind in RELATIONS:
        yield ("relation", schema, name)
    if kind in ROW_TYPES:
        yield ("type", schema, name)
    if isinstance(part, Range) and part.multirange:
        yield ("type", *sql.unquoted(part.multirange))
    if isinstance(part, Constraint):
        yield ("constraint", schema, name, part.name)
        if part.type in "pux":  # its index has its name
            yield ("relation", schema, part.name)
    if isinstance(part, Required) and part.constraint.name:
        yield ("constraint", schema, name, part.constraint.name)
    if isinstance(part, Generator):
        yield ("relation", *sql.unquoted(part.identity.sequence))


def _order_names(graph: Graph, fates: Fates) -> None:
    freed: dict[tuple[str, ...], list[Node]] = defaultdict(list)
    for node in graph.after:
        leaves = node.verb == "drop" and Node("aside", node.address) not in graph.after
        if leaves or _renamed(node, fates):
            for name in claims(node.address, fates.before[node.address]):
                freed[name].append(node)
    for node in list(graph.after):
        if node.verb == "create" or _renamed(node, fates):
            for name in claims(node.address, fates.after[node.address]):
                for earlier in freed[name]:
                    graph.order(node, earlier)


def _renamed(node: Node, fates: Fates) -> bool:
    """Tell whether an action gives a NOT NULL another name."""
    if node.verb != "alter" or node.address.kind != "not_null":
        return False
    names = [
        part.constraint.name
        for side in (fates.before, fates.after)
        if isinstance(part := side.found.get(node.address), Required)
    ]
    return len(set(names)) > 1


def _order_generators(graph: Graph) -> None:
    """Take one way of filling a column away before it gets another."""
    for node in list(graph.after):
        if node.verb == "create" and node.address.kind in {"default", "identity"}:
            for kind in ("default", "identity"):
                graph.order(node, Node("drop", sub(node.address, kind)))


def _order_children(graph: Graph, fates: Fates) -> None:
    parts_of: dict[Address, list[Node]] = defaultdict(list)
    for node in graph.after:
        if node.verb in {"create", "alter"} and node.address.kind in TAKEN_OVER:
            parts_of[owner(node.address)].append(node)
    for node in list(graph.after):
        part = fates.after.found.get(node.address)
        if node.verb == "create" and isinstance(part, Attachment | Inheritance):
            _order_tie(graph, node, part, parts_of[part.parent], fates)
        tie = fates.before.found.get(node.address)
        if node.verb == "drop" and isinstance(tie, Attachment | Inheritance):
            _order_parting(graph, node, tie, fates)
        if node.verb == "create" and isinstance(part, Index):
            _order_alike(graph, node, part, fates.after)
        _order_with_parent(graph, node, fates)


def _order_alike(graph: Graph, node: Node, copy: Index, parts: Parts) -> None:
    """Let a partition's index be made when those above that are alike have theirs.

    A new index of a partitioned table takes any that is like it and has no parent yet.
    """
    above = parts.found.get(copy.parent) if copy.parent else None
    if not isinstance(above, Index) or descent.expected(copy, parts):
        return
    found = [parts.found.get(address) for address in parts.users[above.table]]
    rivals = [one for one in found if isinstance(one, Index) and descent.alike(one, above)]
    owned = {
        one.parent: one
        for one in map(parts.found.get, parts.users[copy.table])
        if isinstance(one, Index)
    }
    for rival in rivals:
        other = owned.get(rival.address)
        first = rival.address < above.address or (other and descent.expected(other, parts))
        if rival != above and first:
            graph.order(node, Node("create", rival.address), soft=True)


def _order_parting(graph: Graph, node: Node, tie: Attachment | Inheritance, fates: Fates) -> None:
    """Take a child's parts from itself once it is nobody's child."""
    child = tie.table.address
    for address in fates.before.users[child]:
        if address.kind == "column":
            graph.order(Node("alter", sub(address, "not_null")), node)
    if Node("drop", child) in graph.after:
        return
    for address in fates.before.of_table(child):
        above = descent.counterpart(fates.before, address)
        if above is not None and derived(fates.before[address]):
            graph.order(Node("drop", address), node)
            graph.order(Node("drop", above), node)


def _order_tie(
    graph: Graph,
    node: Node,
    part: Attachment | Inheritance,
    parts_of_parent: Iterable[Node],
    fates: Fates,
) -> None:
    """Make both what they have to be before one becomes the child of the other."""
    child = part.table.address
    born = Node("create", child) in graph.after and descent.born(part, fates.after)
    for other in parts_of_parent:
        copy = other.address._replace(schema=child.schema, name=child.name)
        if not descent.late(fates.after[other.address]) or _is_valid(copy, fates.after):
            graph.order(node, other)
        elif born:
            graph.order(other, node)
    for address in fates.before.users[child] | fates.after.users[child]:
        if address.kind == "column":
            for verb, kind in ALIGNED:
                graph.order(node, Node(verb, sub(address, kind)))
    for address in fates.after.users[child]:
        _order_copy(graph, node, address, fates.after, born=born)


def _is_valid(copy: Address, parts: Parts) -> bool:
    found = parts.found.get(copy)
    return isinstance(found, Constraint) and found.type == "c" and found.validated


def _order_copy(graph: Graph, node: Node, address: Address, parts: Parts, *, born: bool) -> None:
    """Make what a child has to have, or has by another name, before it finds it there."""
    found = parts[address]
    if isinstance(found, Constraint):
        altered = Node("alter", address)
        graph.order(node, altered)
        graph.order(altered, node._replace(verb="drop"))
        checks = found.type == "c" and not (born and descent.late(found))
        if checks or (found.inherited and not descent.expected(found, parts)):
            graph.order(node, Node("create", address))
    elif isinstance(found, Index) and found.parent:
        above = Node("create", found.parent)
        if above in graph.after:
            graph.order(above, node)
        elif not descent.expected(found, parts):
            graph.order(node, Node("create", address))


def _order_with_parent(graph: Graph, node: Node, fates: Fates) -> None:
    """Let a parent's part change before its child's, and its copies be made before itself."""
    verb, address = node
    if verb == "drop" and address.kind in TAKEN_OVER and not fates.gone(owner(address)):
        above = descent.counterpart(fates.before, address)
        if above is not None:
            graph.order(node, Node("drop", above))
    if verb == "alter" and address.kind == "not_null":  # it would go with its parent's
        above = descent.counterpart(fates.before, address)
        if above is not None:
            graph.order(Node("drop", above), node)
    part = fates.after.found.get(address)
    above = descent.counterpart(fates.after, address) if part else None
    if above is None:
        return
    if verb == "drop" and address.kind == "not_null":  # its parent's would be merged with it
        graph.order(Node("create", above), node)
    elif verb == "alter":
        graph.order(node, Node("alter", above))
        graph.order(node, Node("create", above))
    elif isinstance(part, Constraint | Index) and not descent.expected(part, fates.after):
        graph.order(Node("create", above), node)
    elif part and verb == "create" and unproven.outlives(part, fates.after, graph.creates):
        graph.order(node, Node("create", above))


def _order_bodies(graph: Graph, fates: Fates) -> None:
    """Wish that what a function's text names is there before the function."""
    made = defaultdict(list)
    for node in graph.after:
        if node.verb == "create" and node.address.kind in ROW_TYPES | {"sequence", "function"}:
            found = fates.after[node.address]
            made[found.name if isinstance(found, Function) else node.address.name].append(node)
    for node in list(graph.after):
        function = fates.after.found.get(node.address)
        if node.verb != "drop" and isinstance(function, Function):
            for word in set(re.findall(r"\w+", function.definition)):
                for earlier in made.get(word, ()):
                    graph.order(node, earlier, soft=True)


def _order_logged(graph: Graph, fates: Fates) -> None:
    """Let no table that is logged refer to one that is not, at any time."""
    for address, part in fates.after.found.items():
        if not isinstance(part, Constraint) or part.reference is None:
            continue
        referring, referred = owner(address), part.reference.table
        table = fates.after.found.get(referring)
        if isinstance(table, Table):
            pair = (Node("alter", referring), Node("alter", referred))
            graph.order(*(pair[::-1] if table.unlogged else pair), soft=True)
