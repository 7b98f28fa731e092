"""The catalog rows of user objects by oid, so that a rename is recognized as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from typing import Any

from limbeck.dataclass import dataclass
from limbeck.lint.trace.moments import Moment


@dataclass(frozen=True, slots=True)
class Relation:
    """A row of pg_class; `kind` is relkind, `parent` the table that it is a partition of."""

    oid: int
    schema: str
    name: str
    kind: str
    file: int
    persistence: str
    space: int
    method: int
    owner: int
    parent: int | None
    security: bool
    identity: str

    def __str__(self) -> str:
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Column:
    """A row of pg_attribute; `strict` says whether its type is a domain with constraints.

    `sort` is the base type of a domain, and "enum", "composite" or "range" for a user's own type.
    """

    table: int
    number: int
    name: str
    type: str
    type_oid: int
    collation: int
    not_null: bool
    default: str | None
    generated: str
    identity: str
    domain: bool
    strict: bool
    enum: bool
    has_default: bool
    sort: str


@dataclass(frozen=True, slots=True)
class Constraint:
    """A row of pg_constraint; `kind` is contype, `table` is 0 for constraints of domains."""

    oid: int
    name: str
    table: int
    domain: int
    kind: str
    valid: bool
    other: int
    index: int
    columns: tuple[int, ...]
    definition: str
    parent: int


@dataclass(frozen=True, slots=True)
class Index:
    """A row of pg_index; its name is in its relation."""

    oid: int
    table: int
    unique: bool
    primary: bool
    valid: bool
    columns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Type:
    """A row of pg_type for an enum, with its labels by oid, or a domain."""

    oid: int
    schema: str
    name: str
    kind: str
    not_null: bool
    labels: tuple[tuple[int, str], ...]

    def __str__(self) -> str:
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Trigger:
    """A row of pg_trigger that a user created; `enabled` is tgenabled."""

    oid: int
    name: str
    table: int
    enabled: str


@dataclass(frozen=True, slots=True)
class Named:
    """Any other named object: a schema, an extension; `version` is that of an extension.

    Of a function it is a hash of what decides over its results.
    """

    oid: int
    kind: str
    name: str
    table: int
    version: str


def _owner(value: Column | Constraint | Index | Trigger | Named) -> int:
    return value.table


def _key(value: Any) -> Any:
    """Return the key of a fact: columns have no oid, and other classes than relations share one."""
    match value:
        case Column(table, number):
            return table, number
        case Named(oid, kind, _, table):
            return kind, oid, table
    return value.oid


@dataclass(frozen=True, slots=True)
class Facts:
    """The catalog at one moment; all mappings are by oid, columns by (table, number)."""

    relations: Moment[int, Relation] = field(default_factory=lambda: Moment.first({}))
    columns: Moment[tuple[int, int], Column] = field(
        default_factory=lambda: Moment.first({}, _owner)
    )
    constraints: Moment[int, Constraint] = field(default_factory=lambda: Moment.first({}, _owner))
    indexes: Moment[int, Index] = field(default_factory=lambda: Moment.first({}, _owner))
    types: Moment[int, Type] = field(default_factory=lambda: Moment.first({}))
    triggers: Moment[int, Trigger] = field(default_factory=lambda: Moment.first({}, _owner))
    others: Moment[tuple[str, int, int], Named] = field(
        default_factory=lambda: Moment.first({}, _owner)
    )

    def name(self, oid: int) -> str:
        """Return the name of a relation, with its schema unless it is public."""
        return str(self.relations.get(oid, oid))

    def columns_of(self, table: int) -> tuple[Column, ...]:
        """Return the columns of a table in their order."""
        return tuple(self.columns[key] for key in sorted(self.columns.group(table)))

    def replaced(
        self, values: Mapping[str, list[Any]], keys: Mapping[str, list[Any]] | None = None
    ) -> Facts:
        """Return the next facts, in which some keys, by default all, have only these values.

        Args:
            values: The facts by the names of the mappings.
            keys: The keys that are gone unless there is a value, by the same names.

        """
        return Facts(
            **{
                name: moment.replaced(
                    {_key(each): each for each in values.get(name, ())},
                    None if keys is None else keys.get(name, ()),
                )
                for name in _NAMES
                if (moment := getattr(self, name)) is not None
            }
        )


_NAMES = tuple(each.name for each in fields(Facts))
