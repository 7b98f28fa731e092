"""What is said by another's statement: a column by CREATE TABLE, an index by DROP TABLE."""

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
# How firmly a part sits in the statement of its table; 0 is for ever.
CREATED = {"f": 1, "c": 3, "x": 3, "u": 4, "p": 5}
DROPPED = {"trigger": 1, "policy": 1, "rule": 1, "default": 2}


def fold(graph: Graph, before: Parts, after: Parts) -> None:
    """Fold what can be folded."""
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
    """Return what takes a partition's foreign key away when the partition itself does not."""
    verb, address = node
    if verb != "drop" or address.kind != "constraint" or not derived(before[address]):
        return None
    above = descent.counterpart(before, address)
    return _first(graph, ("drop", above)) if above else None


def _inherited(parts: Parts, address: Address) -> bool:
    column = parts.found.get(sub(address, "column"))
    return isinstance(column, Column) and column.inherited


def _first(graph: Graph, *nodes: tuple[str, Address]) -> Node | None:
    found = (Node(verb, address) for verb, address in nodes)
    return next((node for node in found if node in graph.after), None)


def _created_with(address: Address, graph: Graph, after: Parts) -> tuple[Node, int] | None:
    part = after[address]
    table = _first(graph, ("create", owner(address)))
    if address.kind in OF_COLUMN and (home := _column_created(address, part, graph, after)):
        return home
    if isinstance(part, DomainRule):
        domain = _domain("create", part, graph)
        return None if part.check.definition.endswith(" NOT VALID") else _at(domain, 3)
    if isinstance(part, Column) and table:
        return table, 0
    if isinstance(part, Attachment | Inheritance):
        return _at(table, 0) if descent.born(part, after) else None
    if descent.follows(after, address) and not _joins(address, part, graph, after):
        return _passed_on("create", address, graph, after)
    said = isinstance(part, Constraint) and _sayable(part, after)
    return _at(table, CREATED[part.type]) if isinstance(part, Constraint) and said else None


def _joins(address: Address, part: Part, graph: Graph, after: Parts) -> bool:
    """Tell whether a child has to have a part of its own before it can get its parent."""
    if isinstance(part, Constraint) and part.type != "c":
        return False
    if address.kind not in {"column", "constraint", "default", "not_null"}:
        return False
    child = owner(address)
    return any(
        Node("create", tie) in graph.after
        and not (Node("create", child) in graph.after and descent.born(found, after))
        for tie in descent.ties(child, after)
        if isinstance(found := after.found.get(tie), Attachment | Inheritance)
    )


def _sayable(part: Constraint, after: Parts) -> bool:
    """Tell whether CREATE TABLE can say it; of two keys of the same columns it leaves one out."""
    if part.type == "p" and any(_inherits_not_null(part, name, after) for name in part.columns):
        return False  # the key would make it the table's own
    return (part.validated or not part.enforced) and not _doubled(part, after)


def _inherits_not_null(part: Constraint, column: str, after: Parts) -> bool:
    found = after.found.get(Address("not_null", part.schema, part.table, column))
    return isinstance(found, Required) and found.constraint.inherited


def _doubled(part: Constraint, after: Parts) -> bool:
    if part.type != "u":
        return False
    table = Address("table", part.schema, part.table)
    found = (after.found[one] for one in after.users[table] if one.kind == "constraint")
    others = (one for one in found if isinstance(one, Constraint) and one.type in "pu")
    return any(one.columns == part.columns and one.name != part.name for one in others)


def _at(node: Node | None, firmness: int) -> tuple[Node, int] | None:
    return (node, firmness) if node else None


def _domain(verb: str, part: DomainRule, graph: Graph) -> Node | None:
    return _first(graph, (verb, part.domain.address))


def _column_created(
    address: Address, part: Part, graph: Graph, after: Parts
) -> tuple[Node, int] | None:
    column = _first(graph, ("create", sub(address, "column")))
    late = isinstance(part, Required) and not part.constraint.validated
    own = _inherited(after, address) and not descent.follows(after, address)
    if own and isinstance(part, Required) and part.constraint.name and not late:
        return _at(_first(graph, ("create", owner(address))), 0)
    return None if late or own else _at(column, 2 if isinstance(part, Default) else 0)


def _passed_on(verb: str, address: Address, graph: Graph, parts: Parts) -> tuple[Node, int] | None:
    part, above = parts[address], descent.counterpart(parts, address)
    if verb == "create" and (
        _made_by_hand(part, parts) or unproven.outlives(part, parts, graph.creates)
    ):
        return None
    child = descent.table_of(part) if isinstance(part, Constraint | Index) else owner(address)
    homes = [(verb, above)] if above is not None else []
    ties = [(verb, tie) for tie in descent.ties(child, parts) if verb == "create"]
    # A child gets its parent when that has all its keys and checks, and before the rest.
    late = isinstance(part, Index | Trigger) or descent.late(part)
    return _at(_first(graph, *homes, *ties) if late else _first(graph, *ties, *homes), 0)


def _made_by_hand(part: Part, parts: Parts) -> bool:
    return isinstance(part, Constraint | Index) and not descent.expected(part, parts)


def _dropped_with(  # noqa: PLR0911 - a return for each place
    address: Address, graph: Graph, before: Parts, after: Parts
) -> tuple[Node, int] | None:
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
    if _belongs(address) and (home := _table_dropped(address, part, graph)):
        loose = isinstance(part, Constraint) and part.type == "f"
        return home, 1 if loose else DROPPED.get(address.kind, 0)
    if address.kind in OF_COLUMN and (home := _first(graph, ("drop", sub(address, "column")))):
        return home, 0
    if isinstance(part, Trigger) and part.inherited:
        return _parted(address, graph, before)
    if descent.follows(before, address) and _still_child(address, part, graph, before, after):
        return _passed_on("drop", address, graph, before)
    return None


def _parted(address: Address, graph: Graph, before: Parts) -> tuple[Node, int] | None:
    """Return what takes a partition's copy of a trigger away: leaving the parent does, too."""
    above = descent.counterpart(before, address)
    homes = [("drop", tie) for tie in descent.ties(owner(address), before)]
    return _at(_first(graph, *homes, *([("drop", above)] if above else [])), 0)


def _table_dropped(address: Address, part: Part, graph: Graph) -> Node | None:
    if isinstance(part, Index):
        return _first(graph, ("drop", part.table))
    view = owner(address)._replace(kind="view")
    return _first(graph, ("drop", owner(address)), ("drop", view))


def _belongs(address: Address) -> bool:
    return address.kind in {
        *OF_COLUMN,
        "column",
        "constraint",
        "index",
        "trigger",
        "policy",
        "rule",
        "attachment",
        "inheritance",
    }


def _still_child(address: Address, part: object, graph: Graph, before: Parts, after: Parts) -> bool:
    child = part.table if isinstance(part, Index) else owner(address)
    if _first(graph, *(("drop", tie) for tie in descent.ties(child, before))):
        return False
    above = descent.counterpart(before, address)
    if above is not None and descent.leaves_heirs(above, before, after):
        return False
    return before.parents(child) == after.parents(child)


def _owner_dropped(address: Address, graph: Graph, before: Parts) -> tuple[Node, int] | None:
    owned = before.found.get(sub(address, "ownership"))
    if not isinstance(owned, Ownership):
        return None
    home = _first(graph, ("drop", owned.column), ("drop", owner(owned.column)))
    return (home, 0) if home else None


def _fold_serials(graph: Graph, after: Parts) -> None:
    for part in list(after.found.values()):
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
        found = after[default]
        usual = isinstance(found, Default) and found.expression == defaults.nextval(sequence)
        table = after.found.get(owner(part.column))
        if isinstance(table, Table) and table.unlogged:
            continue  # its serials would be UNLOGGED too
        if usual and columns.is_serial(column, part.sequence):
            for node in nodes[1:]:
                graph.fold(node, nodes[0], 0)
