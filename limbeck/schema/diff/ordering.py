"""The order of actions: what must come before what, for Postgres to accept every statement.

Most of the order is that of dependencies: create what is used before its users, drop it after
them. The rest are the cases in which that is not enough, each in a function of its own: names that
must be free, functions whose bodies name objects, and in `children` partitions and their parents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Range
from limbeck.schema.diff import bodies, children, parking, sequences, successors
from limbeck.schema.diff.fates import Fates
from limbeck.schema.diff.graph import WISH, Graph, Node
from limbeck.schema.diff.part import Attachment, Generator, Part, Required, owner, sub
from limbeck.schema.sql.quoting import schema_and_name

# Kinds that share the names of pg_class, and those that share the names of pg_type.
RELATIONS = frozenset({"table", "view", "sequence", "index", "composite"})
ROW_TYPES = frozenset({"table", "view", "composite", "enum", "domain", "range"})


def graph_of(fates: Fates, asides: Iterable[Address]) -> Graph:
    """Return the graph of all actions of a change.

    Args:
        fates: The fates of the parts; "replace" becomes a drop and a create.
        asides: The types that are renamed before their replacements are created.

    """
    graph = Graph()
    for address, fate in fates.fate.items():
        for verb in ("drop", "create") if fate == "replace" else (fate,):
            graph.add(Node(verb, address))
    for address in asides:
        graph.add(Node("aside", address))
    for address in fates.parked:
        graph.add(Node("park", address))
    for node in list(graph.after):
        _order(graph, node, fates)
    _order_names(graph, fates)
    _order_generators(graph, fates)
    children.order(graph, fates)
    parking.order(graph, fates)
    bodies.order(graph, fates)
    _order_stale(graph, fates)
    _order_logged(graph, fates)
    _order_primary_keys(graph, fates)
    _order_references(graph, fates)
    _order_successors(graph, fates)
    return graph


def _order(graph: Graph, node: Node, fates: Fates) -> None:
    """Order an action by the dependencies of its part."""
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
            # Users follow a renamed type, so that they are gone before is only a wish.
            if verb != "aside" or Node("aside", user) not in graph.after:
                graph.order(node, Node("drop", user), soft=WISH if verb == "aside" else 0)
            if verb == "drop":
                graph.order(node, Node("park" if user in fates.parked else "alter", user))
    if verb == "drop":
        graph.order(node, aside)
    if verb == "create":
        # A new type needs the name, not that the old one is gone.
        graph.order(node, aside if aside in graph.after else Node("drop", address))


def _narrowed(address: Address, fates: Fates) -> bool:
    """Return whether an identity must fit a narrower type before its column gets it."""
    before, after = fates.before.get(address), fates.after.get(address)
    return (
        isinstance(before, Generator)
        and isinstance(after, Generator)
        and sequences.narrows(before.identity.options, after.identity.options)
    )


def claims(address: Address, part: Part) -> Iterator[tuple[str, ...]]:
    """Yield the names that a part occupies, where several kinds share a space of names."""
    kind, schema, name, _ = address
    if kind in RELATIONS:
        yield ("relation", schema, name)
    if kind in ROW_TYPES:
        yield ("type", schema, name)
    if isinstance(part, Range) and part.multirange:
        yield ("type", *schema_and_name(part.multirange))
    if isinstance(part, Constraint):
        yield ("constraint", schema, name, part.name)
        if part.type in "pux":  # its index has its name
            yield ("relation", schema, part.name)
    if isinstance(part, Required) and part.constraint.name:
        yield ("constraint", schema, name, part.constraint.name)
    if isinstance(part, Generator):
        yield ("relation", *schema_and_name(part.identity.sequence))


def _order_names(graph: Graph, fates: Fates) -> None:
    """Free a name before another part takes it."""
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
    """Return whether an action renames a NOT NULL."""
    if node.verb != "alter" or node.address.kind != "not_null":
        return False
    names = [
        part.constraint.name
        for side in (fates.before, fates.after)
        if isinstance(part := side.get(node.address), Required)
    ]
    return len(set(names)) > 1


def _order_generators(graph: Graph, fates: Fates) -> None:
    """Drop a default before an identity is added, and an identity before a default is set.

    Postgres refuses a column that has both. An identity continues the sequence that is dropped.
    """
    for node in list(graph.after):
        if node.verb == "create" and node.address.kind in {"default", "identity"}:
            for kind in ("default", "identity"):
                graph.order(node, Node("drop", sub(node.address, kind)))
        if node.verb == "create" and node.address.kind == "identity":
            for user in fates.before.users.get(sub(node.address, "column"), ()):
                if user.kind == "ownership":
                    graph.order(node, Node("drop", sub(user, "sequence")))


def _order_primary_keys(graph: Graph, fates: Fates) -> None:
    """Drop the primary key of a table before it gets another one, also the copy of a parent's.

    A partition would get a copy of its new parent's old key as well.
    """
    drops = {
        (key.schema, key.table): node
        for node in graph.after
        if node.verb == "drop"
        for address in (node.address, *fates.copies.get(node.address, ()))
        if isinstance(key := fates.before.get(address), Constraint) and key.type == "p"
    }
    for node in list(graph.after):
        part = fates.after.get(node.address) if node.verb == "create" else None
        table = None
        if isinstance(part, Constraint) and part.type == "p":
            table = part.schema, part.table
        elif isinstance(part, Attachment):
            table = part.parent.schema, part.parent.name
        if table in drops:
            graph.order(node, drops[table])


def _order_references(graph: Graph, fates: Fates) -> None:
    """Drop the keys and unique indexes that a new foreign key could use in place of its own.

    Postgres takes the first one on these columns: transformFkeyCheckAttrs() in tablecmds.c.
    """
    for node in list(graph.after):
        part = fates.after.get(node.address) if node.verb == "create" else None
        if isinstance(part, Constraint) and part.reference is not None:
            for address in fates.before.users[part.reference.table]:
                key = fates.before[address]
                if _referable(key) == {*part.reference.columns}:
                    graph.order(node, Node("drop", address))


def _referable(part: Part) -> set[str] | None:
    """Return the columns of a key or unique index, which a foreign key could refer to."""
    if isinstance(part, Constraint) and part.type in "pu":
        return {*part.columns}
    if isinstance(part, Index) and part.unique and not part.where:
        return {key.column or "" for key in part.keys}
    return None


def _order_successors(graph: Graph, fates: Fates) -> None:
    """Prefer a new index or key before the one that it replaces, and a value before NOT NULL.

    Then queries always have an index, rows are always unique, and no insert finds a column that
    must have a value and gets none.
    """
    for old, new in successors.pairs(graph, fates):
        if "index" in {old.address.kind, new.address.kind} and old.address != new.address:
            graph.order(old, new, soft=True)
    for node in list(graph.after):
        if node.address.kind == "not_null":
            default = sub(node.address, "default")
            if node.verb == "create":
                graph.order(node, Node("create", default), soft=True)
            elif node.verb == "drop":
                graph.order(Node("drop", default), node, soft=True)


def _order_stale(graph: Graph, fates: Fates) -> None:
    """Change functions before the parts are rebuilt that they have computed, however indirectly."""
    for address, stale in fates.stale.items():
        for function in stale.functions:
            for verb in ("alter", "create"):
                for rebuilt in ("alter", "create"):
                    graph.order(Node(rebuilt, address), Node(verb, function))


def _order_logged(graph: Graph, fates: Fates) -> None:
    """Order SET LOGGED and SET UNLOGGED of tables with foreign keys.

    Postgres refuses a logged table that refers to an unlogged one at any time: the referring table
    becomes unlogged first, and the referred one becomes logged first.
    """
    for address, part in fates.after.by_address.items():
        if not isinstance(part, Constraint) or part.reference is None:
            continue
        referring, referred = owner(address), part.reference.table
        table = fates.after.get(referring)
        if isinstance(table, Table):
            pair = (Node("alter", referring), Node("alter", referred))
            graph.order(*(pair[::-1] if table.unlogged else pair), soft=WISH)
