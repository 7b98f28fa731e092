"""Units: the actions of a change that no commit may split, and why.

Between two transactions, applications see what has been committed. Whatever works before and after
a change must work then, too: nobody reads rows that a policy is about to hide, no insert finds a
column without a value, no object is missing that is only replaced. `compare` puts the actions of a
unit next to each other, and `phased.online` keeps their steps in one transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field
from typing import NamedTuple

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.grants import Grant
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff import successors
from limbeck.schema.diff.fates import Fates
from limbeck.schema.diff.graph import Graph, Node
from limbeck.schema.diff.ordering import RELATIONS, claims
from limbeck.schema.diff.part import Attachment, Ownership, owner, sub
from limbeck.schema.diff.steps import Unit

SECURITY = "Policies and privileges of {} change at once, so that no row is open or shut meanwhile."
FILLED = "Another value fills {} from here on, so that no insert finds it without one."
REPLACED = "{} is replaced at once, so that it is never missing."
TRIGGERS = "Triggers of {} change at once, so that no write misses one."
VALUES = "Triggers and defaults of {} change at once, so that no insert finds neither."
PARTITIONS = "Partitions of {} change at once, so that no row finds itself without one."
SUCCESSOR = "{} gives way to {}, so that one of them always holds."


# Kinds of which one action can have several statements that belong together.
SEVERAL = frozenset({"grant", "default", "identity"})


class _Key(NamedTuple):
    """What actions of one unit have in common; `always` or else only for a drop and a create.

    `reason` has a place for the `names` of the object.
    """

    about: tuple[str, ...]
    reason: str
    names: tuple[str, ...]
    always: bool = False
    joint: bool = True

    @property
    def unit(self) -> Unit:
        """The unit of the actions."""
        return Unit((self.reason.format(".".join(filter(None, self.names))),), self.joint)


@dataclass(slots=True)
class _Group:
    """The actions with one key; `gone` and `new` count only if there are both."""

    always: set[Node] = field(default_factory=set)
    gone: set[Node] = field(default_factory=set)
    new: set[Node] = field(default_factory=set)

    def add(self, node: Node, *, always: bool) -> None:
        left = node.verb in {"drop", "aside"}
        (self.always if always else self.gone if left else self.new).add(node)

    @property
    def nodes(self) -> set[Node]:
        exchanged = self.gone | self.new if self.gone and self.new else set[Node]()
        return self.always | exchanged


def of_graph(graph: Graph, fates: Fates) -> list[tuple[Unit, frozenset[Node]]]:
    """Return the units of a change, each with its actions."""
    groups: dict[tuple[str, ...], _Group] = defaultdict(_Group)
    units: dict[tuple[str, ...], _Key] = {}
    for node in graph.after:
        # What is part of another statement has no commit before or after it. A partition comes or
        # goes with its table.
        if node in graph.leader and node.address.kind != "attachment":
            continue
        for key in _keys(node, graph, fates):
            groups[key.about].add(node, always=key.always)
            units.setdefault(key.about, key)
    joined = [
        (units[key].unit, frozenset(nodes))
        for key, group in groups.items()
        if _several(nodes := group.nodes, graph)
        and (key[0] != "values" or any(node.address.kind == "trigger" for node in nodes))
    ]
    for pair in successors.pairs(graph, fates):
        names = (node.address.part or node.address.name for node in pair)
        if pair[0].address != pair[1].address:
            joined.append((Unit((SUCCESSOR.format(*names),), joint=False), frozenset(pair)))
    return joined


def _several(nodes: AbstractSet[Node], graph: Graph) -> bool:
    """Return whether actions have several statements, each or together."""
    heads = {graph.head(node) for node in nodes}
    return len(heads) > 1 or any(head.address.kind in SEVERAL for head in heads)


def reasons(units: Sequence[tuple[Unit, frozenset[Node]]]) -> tuple[str, ...]:
    """Return the reasons of units, without those of a unit within another one."""
    widest: dict[frozenset[Node], Unit] = {}
    for unit, nodes in units:
        if not any(nodes < others for _, others in units):
            widest.setdefault(nodes, unit)
    return tuple(dict.fromkeys(reason for unit in widest.values() for reason in unit.reasons))


def retyped(graph: Graph, fates: Fates) -> list[list[Node]]:
    """Return the columns of each table that change their types, which one statement can do."""
    tables: dict[Address, list[Node]] = defaultdict(list)
    for node in graph.after:
        before, after = fates.before.get(node.address), fates.after.get(node.address)
        if node.verb != "alter" or not isinstance(before, Column) or not isinstance(after, Column):
            continue
        same = (before.type, before.collation) == (after.type, after.collation)
        if not same or node.address in fates.retyped:
            tables[owner(node.address)].append(node)
    return [nodes for nodes in tables.values() if len(nodes) > 1]


def _keys(node: Node, graph: Graph, fates: Fates) -> Iterator[_Key]:
    address = node.address
    table = address[1:3]
    if Node("park", address) in graph.after:
        yield _Key(("parked", *address[1:]), REPLACED, address[1:], always=True)
    if node.verb not in {"alter", "park"}:
        yield from _names(node, fates)
    if secured := _secured(node, fates):
        yield _security(secured)
    if filled := _filled(node, graph, fates):
        always = address.kind != "column" or _turns(node, fates)
        yield _Key(("column", *filled[1:]), FILLED, filled[1:], always=always)
    if address.kind == "trigger":
        yield _Key(("triggers", *table), TRIGGERS, table)
    if address.kind in {"trigger", "default", "identity"} and node.verb != "alter":
        # A trigger can fill a column in place of a default, and the other way round.
        yield _Key(("values", *table), VALUES, table)
    part = (fates.before if node.verb == "drop" else fates.after).get(address)
    if isinstance(part, Attachment):
        yield _Key(("partitions", *part.parent), PARTITIONS, part.parent[1:3])


def _names(node: Node, fates: Fates) -> Iterator[_Key]:
    """Yield the names that an action frees or takes, in the spaces that kinds share."""
    address = node.address
    part = (fates.after if node.verb == "create" else fates.before)[address]
    if isinstance(part, Function):
        names = (address.schema, part.name)
        yield _Key(("function", *names), REPLACED, names)
    for claim in claims(address, part):
        constraint = claim[0] == "constraint" or address.kind == "index"
        yield _Key(claim, REPLACED, claim[1:], joint=not constraint)
    if address.kind not in RELATIONS:
        yield _Key(address, REPLACED, address[1:])


def _security(target: Address) -> _Key:
    if target.kind in RELATIONS | {"column"}:
        return _Key(("security", *target[1:3]), SECURITY, target[1:3], always=True)
    return _Key(("security", *target), SECURITY, target[1:], always=True)


def _secured(node: Node, fates: Fates) -> Address | None:
    """Return the object whose policies or privileges an action changes, or which it creates."""
    address = node.address
    before, after = fates.before.get(address), fates.after.get(address)
    if address.kind == "policy":
        return owner(address)
    if isinstance(grant := after or before, Grant):
        return grant.target
    if node.verb == "create":
        return address if address.kind in RELATIONS | {"function"} else None
    if isinstance(before, Table) and isinstance(after, Table) and node.verb == "alter":
        flags = [(table.row_security, table.force_row_security) for table in (before, after)]
        return address if flags[0] != flags[1] else None
    return None


def _filled(node: Node, graph: Graph, fates: Fates) -> Address | None:
    """Return the column that gets its values in another way after an action."""
    address = node.address
    if address.kind in {"default", "identity", "column"}:
        return sub(address, "column")
    if address.kind == "not_null":
        # An identity needs a column that is NOT NULL, which refuses what was stored as NULL.
        at = sub(address, "identity")
        changes = any(Node(verb, at) in graph.after for verb in ("create", "drop"))
        return sub(address, "column") if changes else None
    if address.kind in {"sequence", "ownership"}:
        at = sub(address, "ownership")
        part = fates.before.get(at) or fates.after.get(at)
        return part.column if isinstance(part, Ownership) and node.verb != "alter" else None
    return None


def _turns(node: Node, fates: Fates) -> bool:
    """Return whether a column becomes generated, or an ordinary one."""
    before, after = fates.before.get(node.address), fates.after.get(node.address)
    if not isinstance(before, Column) or not isinstance(after, Column):
        return False
    return node.verb == "alter" and before.generated != after.generated
