"""Columns that hold a type inside of an array, a composite type or a range while the type changes.

Postgres checks a new constraint of a domain against columns of the domain, but refuses to look into
containers ("cannot alter type because column uses it": find_composite_type_dependencies() in
src/backend/commands/tablecmds.c). And no ordinary role can rename a range type out of the way,
because its constructor functions belong to the superuser of initdb. In both cases, the column has
another type meanwhile: it is parked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Protocol

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Composite, Domain, Range
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.diff.graph import Graph, Node
from limbeck.schema.diff.part import DomainRule, Part, owner
from limbeck.schema.diff.parts import Parts

UNCHECKED = " NOT VALID"


class Fates(Protocol):
    """The fates of a change, as far as they matter here; `deciding` calls this module."""

    before: Parts
    after: Parts
    fate: dict[Address, str]
    retyped: set[Address]
    hard: set[Address]
    parked: dict[Address, str]

    def gone(self, address: Address) -> bool:
        """Return whether a part is dropped, for good or to be created again."""


@dataclass(frozen=True, slots=True)
class _Types:
    """The types of one side that consist of others, by their names as columns have them.

    A table is one, too: its row type has its columns.
    """

    by_name: Mapping[str, Domain | Composite | Range | Table]
    columns: Mapping[Address, Sequence[str]]

    @classmethod
    def of(cls, parts: Parts) -> _Types:
        """Return the types of a schema."""
        by_name: dict[str, Domain | Composite | Range | Table] = {}
        columns: dict[Address, list[str]] = defaultdict(list)
        for address, part in parts.by_address.items():
            if isinstance(part, Domain | Composite | Range | Table):
                by_name[of(address)] = part
            if isinstance(part, Range) and part.multirange:
                by_name[part.multirange] = part
            if isinstance(part, Column):
                columns[owner(address)].append(part.type)
        return cls(by_name, columns)

    def held(self, part: Part, wanted: Address) -> bool:
        """Return whether a column of a table or materialized view has a type inside of its own."""
        if isinstance(part, View):
            return part.materialized and any(self.within(c.type, wanted) for c in part.columns)
        return isinstance(part, Column) and self.within(part.type, wanted)

    def within(self, type_: str, wanted: Address, *, inside: bool = False) -> bool:
        """Return whether a type has another one inside; a domain over it is no container."""
        base = type_.removesuffix("[]")
        inside = inside or base != type_
        part = self.by_name.get(base)
        if part is None:
            return False
        if part.address == wanted:
            return inside or not isinstance(part, Domain)
        if isinstance(part, Domain):
            return self.within(part.type, wanted, inside=inside)
        if isinstance(part, Range):
            return self.within(part.subtype, wanted, inside=True)
        if isinstance(part, Composite):
            return any(self.within(each.type, wanted, inside=True) for each in part.attributes)
        return any(self.within(type_, wanted, inside=True) for type_ in self.columns[part.address])

    def element(self, type_: str) -> str | None:
        """Return the type that the elements of an array have below all domains."""
        base = type_.removesuffix("[]")
        while base != type_ and isinstance(part := self.by_name.get(base), Domain):
            base = part.type
        return None if base == type_ or base.endswith("[]") or base in self.by_name else base


def over_range(fates: Fates, type_: Address) -> bool:
    """Return whether a type is a replaced range, or has one inside."""
    ranges = [at for at, fate in fates.fate.items() if at.kind == "range" and fate == "replace"]
    types = _Types.of(fates.before) if ranges else None
    return types is not None and any(types.within(of(type_), at) for at in ranges)


def checks(fates: Fates) -> Mapping[Address, list[Node]]:
    """Return, by domain, the actions for which Postgres checks the values that columns have."""
    actions: dict[Address, list[Node]] = defaultdict(list)
    for address, fate in fates.fate.items():
        if fate != "drop" and (domain := _checks(fates, address)):
            verb = "create" if fate == "replace" else fate
            actions[domain].append(Node(verb, address))
    return {
        domain: nodes
        for domain, nodes in actions.items()
        if domain in fates.before and not fates.gone(domain)
    }


def _checks(fates: Fates, address: Address) -> Address | None:
    """Return the domain whose values a change of it or of one of its checks has to satisfy."""
    was, part = fates.before.get(address), fates.after.get(address)
    if isinstance(part, DomainRule):
        altered = fates.fate[address] == "alter"
        known = altered and isinstance(was, DomainRule) and _checked(was)
        return part.domain.address if _checked(part) and not known else None
    stricter = isinstance(part, Domain) and part.not_null
    loose = isinstance(was, Domain) and not was.not_null
    return address if stricter and loose else None


def _checked(rule: DomainRule) -> bool:
    return not rule.check.definition.endswith(UNCHECKED)


def park(fates: Fates) -> list[Address]:
    """Park the columns that hold a checked domain or a replaced range; return what is new.

    Materialized views and generated columns that hold one are replaced: they have no values of
    their own.
    """
    ranges = (at for at, fate in fates.fate.items() if at.kind == "range" and fate == "replace")
    wanted = [*checks(fates), *ranges]
    if not wanted:
        return []
    before, after = _Types.of(fates.before), _Types.of(fates.after)
    changed = []
    for address, part in fates.before.by_address.items():
        new = fates.after.get(address)
        if new is None or fates.gone(address) or address in fates.parked:
            continue
        if not any(before.held(part, at) and after.held(new, at) for at in wanted):
            continue
        changed.append(address)
        if isinstance(part, Column) and not part.generated:
            _park(fates, part, before)
        else:
            fates.fate[address] = "replace"
    return changed


def _park(fates: Fates, column: Column, types: _Types) -> None:
    element = types.element(column.type)
    general = "text[]" if column.type.endswith("[]") else "text"
    fates.parked[column.address] = f"{element}[]" if element else general
    fates.retyped.add(column.address)
    fates.hard.add(column.address)
    fates.fate[column.address] = "alter"


def order(graph: Graph, fates: Fates) -> None:
    """Add parking to a graph that has all other actions."""
    for column in fates.parked:
        parked = Node("park", column)
        graph.order(Node("alter", column), parked)
        for user in fates.before.users[column]:
            graph.order(parked, Node("drop", user))
    actions = checks(fates)
    if not (fates.parked or actions):
        return
    before, after = _Types.of(fates.before), _Types.of(fates.after)
    _order_rows(graph, fates, before)
    for domain, nodes in actions.items():
        earlier = list(_leaving(fates, before, domain))
        later = list(_arriving(fates, before, after, domain))
        for node in nodes:
            for other in earlier:
                graph.order(node, other)
            for other in later:
                graph.order(other, node)


def _order_rows(graph: Graph, fates: Fates, before: _Types) -> None:
    """Park what has the row type of a table before a column of that table, and bring it back after.

    Postgres changes no type of a table's column while another column uses the table's row type.
    """
    for column, inner in product(fates.parked, repeat=2):
        part = fates.before[column]
        if isinstance(part, Column) and before.within(part.type, owner(inner)):
            graph.order(Node("park", inner), Node("park", column))
            graph.order(Node("alter", column), Node("alter", inner))


def _leaving(fates: Fates, before: _Types, domain: Address) -> Iterator[Node]:
    """Yield the actions after which nothing that was there holds a domain inside."""
    for address, part in fates.before.by_address.items():
        if before.held(part, domain):
            gone = "drop" if fates.gone(address) else "alter"
            yield Node("park" if address in fates.parked else gone, address)


def _arriving(fates: Fates, before: _Types, after: _Types, domain: Address) -> Iterator[Node]:
    """Yield the actions with which something begins to hold a domain inside."""
    for address, part in fates.after.by_address.items():
        if not after.held(part, domain):
            continue
        was = fates.before.get(address)
        if fates.fate.get(address) in {"create", "replace"}:
            yield Node("create", address)
        elif address in fates.parked or (was and not before.held(was, domain)):
            yield Node("alter", address)
