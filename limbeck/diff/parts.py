"""The parts a catalog falls into, finer than its objects, and what each part needs.

A default, a NOT NULL, an identity, a partition's attachment, an inheritance and the ownership of
a sequence have an address of their own here: each of them can be created, dropped and depended on
without its column or table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from limbeck.catalog.catalog import Catalog
from limbeck.catalog.objects import (
    Address,
    Column,
    Constraint,
    Domain,
    DomainCheck,
    Grant,
    Identity,
    Index,
    NotNull,
    Object,
    Policy,
    Rule,
    Sequence,
    Table,
    Trigger,
)
from limbeck.diff import sql


@dataclass(frozen=True, slots=True)
class Default:
    """The DEFAULT of a column of a table (a generation expression stays with its column)."""

    column: Column = field(compare=False)
    expression: str


@dataclass(frozen=True, slots=True)
class Required:
    """The NOT NULL of a column."""

    column: Column = field(compare=False)
    constraint: NotNull


@dataclass(frozen=True, slots=True)
class Generator:
    """The identity of a column."""

    column: Column = field(compare=False)
    identity: Identity


@dataclass(frozen=True, slots=True)
class Attachment:
    """That a table is a partition of another one."""

    table: Table = field(compare=False)
    parent: Address
    bound: str


@dataclass(frozen=True, slots=True)
class Inheritance:
    """That a table inherits from another one."""

    table: Table = field(compare=False)
    parent: Address


@dataclass(frozen=True, slots=True)
class Ownership:
    """That a sequence belongs to a column."""

    sequence: Sequence = field(compare=False)
    column: Address


@dataclass(frozen=True, slots=True)
class DomainRule:
    """A CHECK of a domain."""

    domain: Domain = field(compare=False)
    check: DomainCheck


Part: TypeAlias = (
    Object | Default | Required | Generator | Attachment | Inheritance | Ownership | DomainRule
)
# What an expression calls.
CALLED = frozenset({"function", "operator", "extension"})
OF_TABLE = (Column, Constraint, Trigger, Policy, Rule)


@dataclass(frozen=True, slots=True)
class Parts:
    """All parts of one catalog; `needs` and `users` are the two directions of one relation.

    `named` maps a schema and the name of a constraint to the tables and domains that have one.
    """

    catalog: Catalog
    found: Mapping[Address, Part]
    needs: Mapping[Address, frozenset[Address]]
    users: Mapping[Address, frozenset[Address]]
    children: Mapping[Address, tuple[Address, ...]]
    named: Mapping[tuple[str, str], frozenset[str]]

    def __getitem__(self, address: Address) -> Part:
        return self.found[address]

    def parents(self, table: Address) -> list[Address]:
        """Return the tables that a table is a partition of or inherits from, in order."""
        found = self.catalog.objects.get(table)
        if not isinstance(found, Table):
            return []
        return [found.partition_of] if found.partition_of else list(found.inherits)

    def __contains__(self, address: object) -> bool:
        return address in self.found


def of(catalog: Catalog) -> Parts:
    """Take a catalog apart."""
    found = {address: part for item in catalog.objects.values() for address, part in _split(item)}
    needs: dict[Address, set[Address]] = defaultdict(set)
    for address, part in found.items():
        needs[address].update(_structure(part, found))
        if isinstance(part, Grant):
            needs[address].update(_granted_on(part.target, found))
    for user, used in catalog.depends.items():
        _add_recorded(user, used, catalog, found, needs)
    users: dict[Address, set[Address]] = defaultdict(set)
    for user, wanted in needs.items():
        wanted.discard(user)
        for one in wanted:
            users[one].add(user)
    tree, named = _children(found), _named(found)
    return Parts(catalog, found, _frozen(needs), _frozen(users), tree, named)


def _frozen(
    relation: Mapping[Address, Iterable[Address]],
) -> Mapping[Address, frozenset[Address]]:
    return defaultdict(frozenset, {key: frozenset(value) for key, value in relation.items()})


def _children(found: Mapping[Address, Part]) -> Mapping[Address, tuple[Address, ...]]:
    children: dict[Address, list[Address]] = defaultdict(list)
    for part in found.values():
        if isinstance(part, Attachment | Inheritance):
            children[part.parent].append(part.table.address)
    return defaultdict(tuple, {key: tuple(value) for key, value in children.items()})


def _named(found: Mapping[Address, Part]) -> Mapping[tuple[str, str], frozenset[str]]:
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for address, part in found.items():
        if isinstance(part, Constraint | DomainRule):
            named[address.schema, address.part].add(address.name)
        elif isinstance(part, Required) and part.constraint.name:
            named[address.schema, part.constraint.name].add(address.name)
    return defaultdict(frozenset, {key: frozenset(value) for key, value in named.items()})


def sub(address: Address, kind: str) -> Address:
    """Return the address of what belongs to a column, table or sequence."""
    return address._replace(kind=kind)


def owner(address: Address) -> Address:
    """Return the address of the table that a column, constraint, default ... belongs to."""
    return Address("table", address.schema, address.name)


def derived(part: Part) -> bool:
    """Tell whether a part only exists because a parent table has it."""
    if isinstance(part, Required):
        return part.constraint.inherited
    if isinstance(part, Index):
        return part.parent is not None
    return isinstance(part, Column | Constraint | Trigger) and part.inherited


def _split(item: Object) -> Iterator[tuple[Address, Part]]:
    if isinstance(item, Column):
        yield from _split_column(item)
    elif isinstance(item, Table):
        yield from _split_table(item)
    elif isinstance(item, Domain):
        yield item.address, replace(item, checks=())
        for check in item.checks:
            at = Address("domain_check", item.schema, item.name, check.name)
            yield at, DomainRule(item, check)
    elif isinstance(item, Sequence) and item.owned_by:
        yield item.address, replace(item, owned_by=None)
        yield sub(item.address, "ownership"), Ownership(item, item.owned_by)
    else:
        yield item.address, item


def _split_column(item: Column) -> Iterator[tuple[Address, Part]]:
    kept = None if not item.generated else item.default
    bare = replace(item, not_null=None, default=kept, identity=None)
    yield item.address, bare
    if item.default is not None and not item.generated:
        yield sub(item.address, "default"), Default(bare, item.default)
    if item.not_null is not None:
        yield sub(item.address, "not_null"), Required(bare, item.not_null)
    if item.identity is not None:
        yield sub(item.address, "identity"), Generator(bare, item.identity)


def _split_table(item: Table) -> Iterator[tuple[Address, Part]]:
    yield item.address, replace(item, partition_of=None, partition_bound=None, inherits=())
    if item.partition_of is not None:
        at = sub(item.address, "attachment")
        yield at, Attachment(item, item.partition_of, item.partition_bound or "")
    for parent in item.inherits:
        at = Address("inheritance", item.schema, item.name, sql.of(parent))
        yield at, Inheritance(item, parent)


def _structure(part: Part, found: Mapping[Address, Part]) -> Iterator[Address]:
    """Yield what a part needs by its nature, whether or not the server recorded it."""
    if isinstance(part, Default | Required | Generator):
        yield part.column.address
        required = sub(part.column.address, "not_null")
        if isinstance(part, Generator) and required in found:
            yield required
    elif isinstance(part, Attachment | Inheritance):
        yield from (part.table.address, part.parent)
    elif isinstance(part, DomainRule):
        yield part.domain.address
    elif isinstance(part, Ownership):
        yield from (part.sequence.address, part.column)
    elif isinstance(part, OF_TABLE):
        table = Address("table", part.schema, part.table)
        yield table if table in found else table._replace(kind="view")
    elif isinstance(part, Index):
        yield part.table
    schema = getattr(part, "schema", "")
    if schema and ("schema", "", schema, "") in found:
        yield Address("schema", "", schema)
    if isinstance(part, Constraint):
        yield from _structure_of_constraint(part, found)


def _granted_on(target: Address, found: Mapping[Address, Part]) -> Iterator[Address]:
    """Yield what is granted on; with a column its table or view."""
    yield target
    if target.part:
        table = owner(target)
        yield table if table in found else table._replace(kind="view")


def _structure_of_constraint(part: Constraint, found: Mapping[Address, Part]) -> Iterator[Address]:
    for name in part.columns:
        column = Address("column", part.schema, part.table, name)
        if column in found:
            yield column
            required = sub(column, "not_null")
            if part.type == "p" and required in found:
                yield required
    if part.type == "f" and part.reference is not None:
        yield part.reference.table


def _add_recorded(
    user: Address,
    used: Iterable[Address],
    catalog: Catalog,
    found: Mapping[Address, Part],
    needs: Mapping[Address, set[Address]],
) -> None:
    item = catalog.objects.get(user)
    if user.kind == "default" and user not in found:
        user = sub(user, "column")  # a generation expression
    if user not in found:
        return
    part = found[user]
    if isinstance(item, Domain) and item.checks:
        _add_to_checks(item, used, found, needs)
        used = [one for one in used if item.default or one.kind not in CALLED]
    for one in used:
        if one in found and not _is_descent(part, user, one):
            if isinstance(item, Sequence) and one.kind == "column" and one == item.owned_by:
                continue
            needs[user].add(one)


def _add_to_checks(
    item: Domain,
    used: Iterable[Address],
    found: Mapping[Address, Part],
    needs: Mapping[Address, set[Address]],
) -> None:
    """Let the checks need what the server recorded for their domain as a whole."""
    called = [one for one in used if one in found and one.kind in CALLED]
    for check in item.checks:
        needs[Address("domain_check", item.schema, item.name, check.name)].update(called)


def _is_descent(part: Part, user: Address, used: Address) -> bool:
    """Tell whether an edge only says that a child follows its parent."""
    if isinstance(part, Table):
        return used.kind == "table"
    if isinstance(part, Column) and part.inherited:
        return used.kind == "column" and used.part == user.part
    return (
        user.kind == used.kind
        and user.kind in {"constraint", "index", "trigger"}
        and (derived(part))
    )
