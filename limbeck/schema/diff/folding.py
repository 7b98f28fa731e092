"""Folding: which parts need no statement, because the statement of another part includes them.

CREATE TABLE creates columns, defaults, keys and checks; DROP TABLE drops everything on the table;
a parent passes its parts to its children. Folding is preferred since it gives the statements that
people write, and because it must be: DROP COLUMN fails if DROP TABLE has run. Where a fold makes a
circle, `Graph.settle` undoes the least firm ones.
"""

from __future__ import annotations

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.grants import Grant
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Trigger
from limbeck.schema.diff import columns, defaults, descent, unproven
from limbeck.schema.diff.graph import Graph, Node
from limbeck.schema.diff.part import (
    Attachment,
    Default,
    DomainRule,
    Inheritance,
    Ownership,
    Part,
    Required,
    derived,
    owner,
    sub,
)
from limbeck.schema.diff.parts import Parts

OF_COLUMN = ("default", "not_null", "identity")
OF_TABLE = frozenset(
    {*OF_COLUMN, "column", "constraint", "index", "trigger", "policy", "rule"}
    | {"attachment", "inheritance"}
)
# How firmly a constraint is part of CREATE TABLE, by its type: the lowest number is unfolded first.
# Foreign keys make most circles, and read well as statements of their own.
CREATED = {"f": 1, "c": 3, "x": 3, "u": 4, "p": 5}
# The same for what DROP TABLE includes. A trigger, rule or policy may use a function or another
# table that must go before.
DROPPED = {"trigger": 1, "policy": 1, "rule": 1, "default": 2}


def fold(graph: Graph, before: Parts, after: Parts) -> None:
    """Fold the actions of a graph into others wherever Postgres allows it."""
    for node in sorted(graph.after):
        if node.verb == "create":
            into = _created_with(node.address, graph, after)
        elif node.verb == "drop":
            into = _dropped_with(node.address, graph, before, after)
        else:
            into = None
        if into is not None and into[0] != node:
            graph.fold(node, *into, _second(node, graph, before))
    _fold_serials(graph, after)


def _second(node: Node, graph: Graph, before: Parts) -> Node | None:
    """Return the drop of a parent's foreign key, which drops a partition's copy as well.

    The copy is folded into the drop of the partition at first. If that makes a circle, it has no
    statement of its own: Postgres refuses to drop an inherited constraint.
    """
    verb, address = node
    if verb != "drop" or address.kind != "constraint" or not derived(before[address]):
        return None
    above = descent.counterpart(before, address)
    return _first(graph, ("drop", above)) if above else None


def _inherited(parts: Parts, address: Address) -> bool:
    column = parts.get(sub(address, "column"))
    return isinstance(column, Column) and column.inherited


def _first(graph: Graph, *actions: tuple[str, Address]) -> Node | None:
    """Return the first of these actions that the change has."""
    nodes = (Node(verb, address) for verb, address in actions)
    return next((node for node in nodes if node in graph.after), None)


def _created_with(address: Address, graph: Graph, after: Parts) -> tuple[Node, int] | None:
    """Return the action that creates a part along with its own object, and how firmly."""
    part = after[address]
    table = _first(graph, ("create", owner(address)))
    if address.kind in OF_COLUMN and (home := _column_created(address, part, graph, after)):
        return home
    if isinstance(part, DomainRule):
        # CREATE DOMAIN takes no NOT VALID.
        domain = _domain("create", part, graph)
        return None if part.check.definition.endswith(" NOT VALID") else _at(domain, 3)
    if isinstance(part, Column) and table:
        return table, 0
    if isinstance(part, Attachment | Inheritance):
        return _at(table, 0) if descent.born(part, after) else None
    if descent.follows(after, address) and not _joins(address, part, graph, after):
        return _passed_on("create", address, graph, after)
    included = isinstance(part, Constraint) and _in_create_table(part, after)
    return _at(table, CREATED[part.type]) if isinstance(part, Constraint) and included else None


def _joins(address: Address, part: Part, graph: Graph, after: Parts) -> bool:
    """Return whether a child needs a part of its own before it can become a child.

    ATTACH PARTITION and INHERIT ask for all columns, NOT NULLs and checks of the parent. Keys,
    foreign keys and indexes they create.
    """
    if isinstance(part, Constraint) and part.type != "c":
        return False
    if address.kind not in {"column", "constraint", "default", "not_null"}:
        return False
    child = owner(address)
    return any(
        Node("create", tie) in graph.after
        and not (Node("create", child) in graph.after and descent.born(bond, after))
        for tie in descent.ties(child, after)
        if isinstance(bond := after.get(tie), Attachment | Inheritance)
    )


def _in_create_table(part: Constraint, after: Parts) -> bool:
    """Return whether CREATE TABLE can include a constraint in the state that it must have."""
    # A primary key makes the NOT NULLs of its columns local, even if they must be inherited only.
    if part.type == "p" and any(_inherits_not_null(part, name, after) for name in part.columns):
        return False
    # Constraints of a new table are valid whatever is said: transformCheckConstraints() in
    # src/backend/parser/parse_utilcmd.c.
    return (part.validated or not part.enforced) and not _doubled(part, after)


def _inherits_not_null(part: Constraint, column: str, after: Parts) -> bool:
    required = after.get(Address("not_null", part.schema, part.table, column))
    return isinstance(required, Required) and required.constraint.inherited


def _doubled(part: Constraint, after: Parts) -> bool:
    """Return whether a table has another key of the same columns.

    CREATE TABLE would create only one of them: transformIndexConstraints() in parse_utilcmd.c.
    """
    if part.type != "u":
        return False
    users = after.users[Address("table", part.schema, part.table)]
    constraints = (after[user] for user in users if user.kind == "constraint")
    keys = (key for key in constraints if isinstance(key, Constraint) and key.type in "pu")
    return any(key.columns == part.columns and key.name != part.name for key in keys)


def _at(node: Node | None, firmness: int) -> tuple[Node, int] | None:
    return (node, firmness) if node else None


def _domain(verb: str, part: DomainRule, graph: Graph) -> Node | None:
    return _first(graph, (verb, part.domain.address))


def _column_created(
    address: Address, part: Part, graph: Graph, after: Parts
) -> tuple[Node, int] | None:
    """Return the action that creates a default, NOT NULL or identity along with its column."""
    column = _first(graph, ("create", sub(address, "column")))
    late = isinstance(part, Required) and not part.constraint.validated
    # What a child adds to an inherited column cannot be part of ADD COLUMN on the parent; CREATE
    # TABLE of the child takes a named NOT NULL as a table constraint.
    own = _inherited(after, address) and not descent.follows(after, address)
    if own and isinstance(part, Required) and part.constraint.name and not late:
        return _at(_first(graph, ("create", owner(address))), 0)
    return None if late or own else _at(column, 2 if isinstance(part, Default) else 0)


def _passed_on(verb: str, address: Address, graph: Graph, parts: Parts) -> tuple[Node, int] | None:
    """Return the action on the parent that creates or drops a copy as well."""
    part = parts[address]
    above = descent.attached(parts, address) or descent.counterpart(parts, address)
    if verb == "create" and (
        _made_by_hand(part, parts) or unproven.outlives(part, parts, graph.creates)
    ):
        return None
    child = descent.table_of(part) if isinstance(part, Constraint | Index) else owner(address)
    homes = [(verb, above)] if above is not None else []
    ties = [(verb, tie) for tie in descent.ties(child, parts) if verb == "create"]
    # A child gets its parent when the parent has all its keys and checks, and before it gets
    # indexes, triggers and late constraints. So a new tie passes on the former, and the latter
    # come with the parent's own.
    late = isinstance(part, Index | Trigger) or descent.late(part)
    return _at(_first(graph, *homes, *ties) if late else _first(graph, *ties, *homes), 0)


def _made_by_hand(part: Part, parts: Parts) -> bool:
    return isinstance(part, Constraint | Index) and not descent.expected(part, parts)


def _dropped_with(  # noqa: PLR0911 - a return for each place
    address: Address, graph: Graph, before: Parts, after: Parts
) -> tuple[Node, int] | None:
    """Return the action that drops a part as well, and how firmly."""
    part = before[address]
    if isinstance(part, DomainRule):
        return _at(_domain("drop", part, graph), 1)
    if isinstance(part, Ownership):
        return _at(_first(graph, ("drop", part.sequence.address)), 0)
    if isinstance(part, Grant):
        at = part.target
        view = owner(at)._replace(kind="view")
        homes = [at, owner(at), view, *(a for a in before.needs[address] if a.kind == "identity")]
        return _at(_first(graph, *(("drop", home) for home in homes)), 0)
    if isinstance(part, Sequence):
        return _owner_dropped(address, graph, before)
    if address.kind in OF_TABLE and (home := _table_dropped(address, part, graph)):
        # A foreign key may have to go before the table, if the other table is dropped first.
        loose = isinstance(part, Constraint) and part.type == "f"
        return home, 1 if loose else DROPPED.get(address.kind, 0)
    if address.kind in OF_COLUMN and (home := _first(graph, ("drop", sub(address, "column")))):
        return home, 0
    if isinstance(part, Trigger) and part.inherited:
        return _parted(address, graph, before)
    belongs = descent.follows(before, address) or descent.attached(before, address)
    if belongs and _still_child(address, part, graph, before, after):
        return _passed_on("drop", address, graph, before)
    return None


def _parted(address: Address, graph: Graph, before: Parts) -> tuple[Node, int] | None:
    """Return the action that drops a partition's copy of a trigger.

    DETACH PARTITION does, too: CloneRowTriggersToPartition() made the copy when it was attached.
    """
    above = descent.counterpart(before, address)
    homes = [("drop", tie) for tie in descent.ties(owner(address), before)]
    return _at(_first(graph, *homes, *([("drop", above)] if above else [])), 0)


def _table_dropped(address: Address, part: Part, graph: Graph) -> Node | None:
    if isinstance(part, Index):
        return _first(graph, ("drop", part.table))
    view = owner(address)._replace(kind="view")
    return _first(graph, ("drop", owner(address)), ("drop", view))


def _still_child(address: Address, part: object, graph: Graph, before: Parts, after: Parts) -> bool:
    """Return whether a copy's table is a child of the same parents until the copy is dropped."""
    child = part.table if isinstance(part, Index) else owner(address)
    if _first(graph, *(("drop", tie) for tie in descent.ties(child, before))):
        return False
    above = descent.attached(before, address) or descent.counterpart(before, address)
    if above is not None and descent.leaves_heirs(above, before, after):
        return False  # the parent's is dropped with ONLY, which leaves the copy
    return before.parents(child) == after.parents(child)


def _owner_dropped(address: Address, graph: Graph, before: Parts) -> tuple[Node, int] | None:
    owned = before.get(sub(address, "ownership"))
    if not isinstance(owned, Ownership):
        return None
    home = _first(graph, ("drop", owned.column), ("drop", owner(owned.column)))
    return (home, 0) if home else None


def _fold_serials(graph: Graph, after: Parts) -> None:
    """Fold a sequence, its owner and the default that calls it into a column of type serial.

    Only if `serial` creates exactly these, and the table is logged: the sequence of an UNLOGGED
    table would be UNLOGGED as well.
    """
    for part in list(after.by_address.values()):
        if not isinstance(part, Ownership):
            continue
        sequence, default = part.sequence.address, sub(part.column, "default")
        column = after[part.column]
        nodes = [
            Node("create", address)
            for address in (part.column, sequence, sub(sequence, "ownership"), default)
        ]
        if not all(node in graph.after for node in nodes) or not isinstance(column, Column):
            continue
        expression = after[default]
        usual = isinstance(expression, Default) and (
            expression.expression == defaults.nextval(sequence)
        )
        table = after.get(owner(part.column))
        if isinstance(table, Table) and table.unlogged:
            continue
        if usual and columns.is_serial(column, part.sequence):
            for node in nodes[1:]:
                graph.fold(node, nodes[0], 0)
