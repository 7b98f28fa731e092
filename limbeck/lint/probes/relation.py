"""A table or view as its statements need it: columns, keys, parents, policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TypeVar

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.grants import Grant
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Policy, Trigger
from limbeck.schema.catalog.objects.types import Domain
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.sql.quoting import quote, quoted

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a relation.

    `required` is whether an INSERT has to name it, `written` whether it may, `sequence` whether a
    sequence numbers it. `checks` are the expressions that its values have to satisfy.
    """

    name: str
    type: str
    required: bool = False
    written: bool = True
    sequence: bool = False
    nullable: bool = True
    default: bool = False
    checks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Relation:
    """A table or view, its columns, and what decides about its rows.

    `conflicts` are the arbiters of ON CONFLICT for its keys, `parents` its foreign keys,
    `policies` those of a table or of the tables of a view. `triggered` is whether it has triggers.
    """

    address: Address
    fields: tuple[Field, ...]
    primary: tuple[str, ...] = ()
    unique: frozenset[str] = frozenset()
    conflicts: tuple[str, ...] = ()
    parents: tuple[Constraint, ...] = ()
    policies: tuple[Policy, ...] = ()
    secured: bool = False
    grantees: tuple[str, ...] = ()
    materialized: bool = False
    triggered: bool = False

    @property
    def name(self) -> str:
        """The qualified name in SQL."""
        return of(self.address)

    @property
    def is_table(self) -> bool:
        """Whether it is a table."""
        return self.address.kind == "table"

    @cached_property
    def rules(self) -> str:
        """The expressions of its policies, as one text."""
        texts = (text for policy in self.policies for text in (policy.using, policy.check) if text)
        return " ".join(texts)

    @property
    def roles(self) -> Iterator[str]:
        """Yield the roles that its policies and privileges name."""
        for policy in self.policies:
            yield from (role for role in policy.roles if role.lower() != "public")
        yield from (grantee for grantee in self.grantees if grantee != "PUBLIC")


@dataclass(frozen=True)
class Relations:
    """Reads relations out of a catalog; each of its indexes is made once, at the first use."""

    catalog: Catalog

    def of(self, address: Address) -> Relation:
        """Return a table or view."""
        item = self.catalog.objects[address]
        return self._view(item) if isinstance(item, View) else self._table(address)

    def _table(self, address: Address) -> Relation:
        constraints = self._constraints.get(address, [])
        keys = [each for each in constraints if each.type in "pu"]
        indexes = [each for each in self._indexes.get(address, []) if each.unique]
        table = self.catalog.objects[address]
        return Relation(
            address,
            tuple(self._field(column, constraints, table) for column in self._columns(address)),
            next((each.columns for each in keys if each.type == "p"), ()),
            frozenset(
                [*(name for each in keys for name in each.columns)]
                + [key.column for each in indexes for key in each.keys if key.column]
            ),
            tuple(dict.fromkeys([*_arbiters(keys), *map(_arbiter, indexes)])),
            tuple(each for each in constraints if each.type == "f" and each.enforced),
            tuple(self._policies.get(address, ())),
            isinstance(table, Table) and table.row_security,
            tuple(self._grantees.get(address, ())),
            triggered=address in self._triggered,
        )

    def _field(self, column: Column, constraints: Iterable[Constraint], table: object) -> Field:
        type_, domain = column.type, self._domain(column.type)
        required, checks = column.not_null is not None, list[str]()
        while domain is not None:
            checks += [check.definition for check in domain.checks]
            required = required or domain.not_null
            type_, domain = domain.type, self._domain(domain.type)
        checks += [
            each.definition
            for each in constraints
            if each.type == "c" and column.name in each.columns
        ]
        if isinstance(table, Table):
            checks += self._bounds(table, column.name)
        has_default = column.default is not None or column.identity is not None
        return Field(
            column.name,
            type_,
            required and not has_default,
            not column.generated and not (column.identity and column.identity.always),
            column.identity is not None or "nextval(" in (column.default or ""),
            not required,
            has_default,
            tuple(checks),
        )

    def _bounds(self, table: Table, column: str) -> Iterator[str]:
        """Yield the bounds of partitions, whose constants a column of the partition key takes."""
        if table.partition_bound:
            parent = self.catalog.objects.get(table.partition_of) if table.partition_of else None
            if isinstance(parent, Table) and quote(column) in (parent.partition_key or ""):
                yield table.partition_bound
        if table.partition_key and quote(column) in table.partition_key:
            for partition in self._partitions.get(table.address, ()):
                yield partition.partition_bound or ""

    def _view(self, view: View) -> Relation:
        policies = tuple(
            policy
            for target in sorted(self.catalog.depends.get(view.address, ()))
            for policy in self._policies.get(target, ())
        )
        return Relation(
            view.address,
            tuple(Field(column.name, column.type) for column in view.columns),
            policies=policies,
            secured=bool(policies),
            grantees=tuple(self._grantees.get(view.address, ())),
            materialized=view.materialized,
        )

    def _columns(self, address: Address) -> list[Column]:
        table = self.catalog.objects[address]
        names = table.columns if isinstance(table, Table) else ()
        places = (Address("column", address.schema, address.name, name) for name in names)
        columns = (self.catalog.objects.get(place) for place in places)
        return [column for column in columns if isinstance(column, Column)]

    def _domain(self, type_: str) -> Domain | None:
        return self._domains.get(type_)

    @cached_property
    def _domains(self) -> dict[str, Domain]:
        return {of(domain.address): domain for domain in self.catalog.every(Domain)}

    @cached_property
    def _constraints(self) -> dict[Address, list[Constraint]]:
        return _by(
            (Address("table", each.schema, each.table), each)
            for each in self.catalog.of(Constraint)
        )

    @cached_property
    def _indexes(self) -> dict[Address, list[Index]]:
        return _by((each.table, each) for each in self.catalog.of(Index))

    @cached_property
    def _policies(self) -> dict[Address, list[Policy]]:
        return _by(
            (Address("table", each.schema, each.table), each) for each in self.catalog.of(Policy)
        )

    @cached_property
    def _triggered(self) -> frozenset[Address]:
        triggers = self.catalog.every(Trigger)
        return frozenset(Address("table", each.schema, each.table) for each in triggers)

    @cached_property
    def _grantees(self) -> dict[Address, list[str]]:
        return _by((each.target, each.grantee) for each in self.catalog.of(Grant))

    @cached_property
    def _partitions(self) -> dict[Address, list[Table]]:
        tables = self.catalog.of(Table)
        return _by((each.partition_of, each) for each in tables if each.partition_of)


def _by(pairs: Iterable[tuple[Address, Value]]) -> dict[Address, list[Value]]:
    lists: dict[Address, list[Value]] = {}
    for address, value in pairs:
        lists.setdefault(address, []).append(value)
    return lists


def _arbiters(keys: Iterable[Constraint]) -> Iterator[str]:
    for key in keys:
        # A deferrable key cannot decide about a conflict, nor can WITHOUT OVERLAPS update.
        if not key.deferrable and "WITHOUT OVERLAPS" not in key.definition:
            yield f"({quoted(key.columns)})"


def _arbiter(index: Index) -> str:
    keys = (quote(key.column) if key.column else f"({key.expression})" for key in index.keys)
    where = f" WHERE {index.where}" if index.where else ""
    return f"({', '.join(keys)}){where}"
