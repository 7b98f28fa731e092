"""The order of actions on partitions, inheriting tables and what they have from their parents.

`ordering` calls this module. A child and its parent must have the same columns, NOT NULLs and
checks before one is attached to the other; from then on a change of the parent's part changes the
child's as well, and the child's alone cannot be dropped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import product

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff import adoption, descent, unproven
from limbeck.schema.diff.fates import Fates
from limbeck.schema.diff.graph import WISH, Graph, Node
from limbeck.schema.diff.part import Attachment, Inheritance, Required, derived, owner, sub
from limbeck.schema.diff.parts import Parts

# Parts that a child table gets from its parent at the moment it becomes one.
TAKEN_OVER = frozenset({"column", "default", "not_null", "constraint", "identity"})
# Actions on a child's columns that come before ATTACH PARTITION and INHERIT, which compare them
# with the parent's.
ALIGNED = (
    *product(("drop", "alter", "create"), ("column", "not_null", "default")),
    ("drop", "identity"),
)


def order(graph: Graph, fates: Fates) -> None:
    """Add the order of the actions on partitions and inheriting tables to a graph."""
    parts_of: dict[Address, list[Node]] = defaultdict(list)
    for node in graph.after:
        if node.verb in {"create", "alter"} and node.address.kind in TAKEN_OVER:
            parts_of[owner(node.address)].append(node)
    for node in list(graph.after):
        part = fates.after.get(node.address)
        if node.verb == "create" and isinstance(part, Attachment | Inheritance):
            _tie(graph, node, part, parts_of[part.parent], fates)
        tie = fates.before.get(node.address)
        if node.verb == "drop" and isinstance(tie, Attachment | Inheritance):
            _parting(graph, node, tie, fates)
        if node.verb == "create" and isinstance(part, Index):
            _alike(graph, node, part, fates.after)
        _with_parent(graph, node, fates)


def _alike(graph: Graph, node: Node, copy: Index, parts: Parts) -> None:
    """Create a partition's index after the parent's indexes that could take it for theirs.

    A new index of a partitioned table attaches any index of the partition that is like it and has
    no parent yet. Where two of the parent's are alike, each must find the right one.
    """
    above = parts.get(copy.parent) if copy.parent else None
    if not isinstance(above, Index) or descent.expected(copy, parts):
        return
    siblings = (parts.get(address) for address in parts.users[above.table])
    rivals = [i for i in siblings if isinstance(i, Index) and descent.alike(i, above)]
    owned = {
        index.parent: index
        for index in map(parts.get, parts.users[copy.table])
        if isinstance(index, Index)
    }
    for rival in rivals:
        other = owned.get(rival.address)
        first = rival.address < above.address or (other and descent.expected(other, parts))
        if rival != above and first:
            graph.order(node, Node("create", rival.address), soft=WISH)


def _parting(graph: Graph, node: Node, tie: Attachment | Inheritance, fates: Fates) -> None:
    """Detach a child before its copies are dropped: Postgres refuses to drop inherited parts."""
    child = tie.table.address
    for address in fates.after.users[tie.parent] & fates.after.explicit:
        # Created ON ONLY the parent, an index is not valid before all partitions have theirs.
        graph.order(Node("create", address), node)
    for address in fates.before.users[child]:
        required = sub(address, "not_null")
        if address.kind == "column" and not _inherited(required, fates):
            graph.order(Node("alter", required), node)
    adopted = any(adoption.adopted(child, fates.before, fates.after))
    if adopted:
        for tie_ in descent.ties(child, fates.after):
            graph.order(node, Node("create", tie_))
    if Node("drop", child) in graph.after:
        return
    if not adopted:
        _order_columns(graph, node, child, fates)
    for address in fates.before.of_table(child):
        copied = derived(fates.before[address])
        above = descent.counterpart(fates.before, address) if copied else None
        if above := above or descent.attached(fates.before, address):
            graph.order(Node("drop", address), node)
            graph.order(Node("drop", above), node)


def _order_columns(graph: Graph, node: Node, child: Address, fates: Fates) -> None:
    """A child's inherited column cannot change alone, nor can a partition get one of its own."""
    for address in fates.after.users[child]:
        if address.kind == "column":
            for verb in ("alter", "create"):
                graph.order(Node(verb, address), node)


def _tie(
    graph: Graph,
    node: Node,
    part: Attachment | Inheritance,
    parts_of_parent: Iterable[Node],
    fates: Fates,
) -> None:
    """Create the parts of parent and child that must match before the child is attached.

    Args:
        graph: The graph.
        node: The action that attaches the child.
        part: The attachment or inheritance.
        parts_of_parent: The actions that create or alter parts of the parent.
        fates: The fates of the parts.

    """
    child = part.table.address
    born = Node("create", child) in graph.after and descent.born(part, fates.after)
    for other in parts_of_parent:
        if other.address.kind == "constraint":
            # A check that is dropped for the sake of its copies must not reach the child.
            graph.order(node, other._replace(verb="drop"))
        if other.address in fates.after.explicit:
            continue
        copy = other.address._replace(schema=child.schema, name=child.name)
        if not descent.late(fates.after[other.address]) or _is_valid(copy, fates.after):
            graph.order(node, other)
        elif born:
            graph.order(other, node)
    for address in fates.before.users[child] | fates.after.users[child]:
        if address.kind == "column":
            _align(graph, node, address, fates)
    for address in fates.after.users[child]:
        _copy(graph, node, address, fates.after, born=born)
    _among_rivals(graph, node, part, fates)


def _among_rivals(graph: Graph, node: Node, part: Attachment | Inheritance, fates: Fates) -> None:
    """Attach a child between the old indexes of its parent and the new ones.

    An old one would take the child's index that belongs to another one, or pass itself on. A new
    one is created ON ONLY the parent, and can have indexes of partitions attached to it only.
    """
    before, after = fates.before, fates.after
    for address in before.users[part.parent] & before.explicit:
        graph.order(node, Node("drop", address))
    for address in after.users[part.parent] & after.explicit:
        graph.order(Node("create", address), node)
    for address in after.users[part.table.address] & after.explicit:
        _rival(graph, node, address, after)


def _align(graph: Graph, node: Node, column: Address, fates: Fates) -> None:
    """Change a child's column before the child is attached, which compares it with the parent's."""
    # A partition may have no other columns, a table that inherits may.
    more = node.address.kind == "inheritance"
    for verb, kind in ALIGNED:
        at = sub(column, kind)
        dropped = more and (verb, kind) == ("drop", "column")
        if not dropped and not (verb == "alter" and _inherited(at, fates)):
            graph.order(node, Node(verb, at))


def _inherited(required: Address, fates: Fates) -> bool:
    return adoption.stays_inherited(required, fates.before, fates.after)


def _rival(graph: Graph, node: Node, address: Address, parts: Parts) -> None:
    """Attach a child when it has what belongs to its parent's indexes, and nothing alike.

    The parent takes the first index that fits, and for a key one of a key.
    """
    created, part = Node("create", address), parts[address]
    above = descent.attached(parts, address)
    if above is None:
        graph.order(created, node)
        return
    if not graph.creates(above):
        graph.order(node, created)
    if isinstance(part, Constraint):
        for other in parts.users[owner(address)] & parts.explicit:
            plain = other.kind == "index" and descent.attached(parts, other) is not None
            graph.order(created, Node("create", other)) if plain else None


def _is_valid(copy: Address, parts: Parts) -> bool:
    check = parts.get(copy)
    return isinstance(check, Constraint) and check.type == "c" and check.validated


def _copy(graph: Graph, node: Node, address: Address, parts: Parts, *, born: bool) -> None:
    """Create a child's part before it is attached, if it must exist or has a name of its own.

    Args:
        graph: The graph.
        node: The action that attaches the child.
        address: The part of the child.
        parts: The parts of the schema after the change.
        born: Whether CREATE TABLE of the child attaches it.

    """
    part = parts[address]
    if isinstance(part, Constraint):
        # A constraint changes its state between the old parent and the new one.
        altered = Node("alter", address)
        graph.order(node, altered)
        graph.order(altered, node._replace(verb="drop"))
        checks = part.type == "c" and not (born and descent.late(part))
        if checks or (part.inherited and not descent.expected(part, parts)):
            graph.order(node, Node("create", address))
    elif isinstance(part, Index) and part.parent:
        # A new index of the parent is built on its children, so they are attached before.
        above = Node("create", part.parent)
        if above in graph.after:
            graph.order(above, node)
        elif not descent.expected(part, parts):
            graph.order(node, Node("create", address))


def _retained(graph: Graph, node: Node, loss: Node, fates: Fates) -> None:
    """Keep the NOT NULL of a child when its parent's is dropped.

    As a constraint it becomes local first, else it would be dropped with its parent's. Majors
    without such constraints drop it in any case, so it is set again afterwards.
    """
    part = fates.before[node.address]
    if isinstance(part, Required) and part.constraint.name is None:
        graph.order(node, loss)
    else:
        graph.order(loss, node)


def _with_parent(graph: Graph, node: Node, fates: Fates) -> None:
    """Change a parent's part before its child's, but create hand-made copies before it."""
    verb, address = node
    if verb == "drop" and address.kind in TAKEN_OVER and not fates.gone(owner(address)):
        above = descent.counterpart(fates.before, address)
        if above is not None:
            graph.order(node, Node("drop", above))
    if verb == "alter" and address.kind == "not_null":
        above = descent.counterpart(fates.before, address)
        if above is not None:
            _retained(graph, node, Node("drop", above), fates)
    part = fates.after.get(address)
    above = descent.attached(fates.after, address)
    above = above or (descent.counterpart(fates.after, address) if part else None)
    if above is None:
        return
    if verb == "drop" and address.kind == "not_null":
        # A new one of its parent would merge with it and get its name.
        graph.order(Node("create", above), node)
    elif verb == "alter":
        graph.order(node, Node("alter", above))
        graph.order(node, Node("create", above))
    elif isinstance(part, Constraint | Index) and not descent.expected(part, fates.after):
        graph.order(Node("create", above), node)
    elif part and verb == "create" and unproven.outlives(part, fates.after, graph.creates):
        graph.order(node, Node("create", above))
