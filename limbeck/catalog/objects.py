"""The values a catalog holds: one frozen class a kind of object.

Every text that Postgres spells (types, expressions, definitions) was spelled with an empty
search_path, so each name in it is qualified. Fields marked "not compared" carry what a renderer
needs but are no difference on their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias


class Address(NamedTuple):
    """Where an object lives: ("column", "public", "books", "title").

    `schema` is "" for what lives in none; the `name` of a function holds its identity arguments:
    "f(integer, text)"; `part` names what belongs to `name`: a column, a constraint, a trigger.
    """

    kind: str
    schema: str
    name: str
    part: str = ""

    def __str__(self) -> str:
        names = (self.schema, self.name, self.part)
        return f"{self.kind} {'.'.join(name for name in names if name)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A namespace."""

    name: str
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address("schema", "", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """An extension; its members are nobody's objects. The version is not compared."""

    name: str
    schema: str
    version: str = field(default="", compare=False)

    @property
    def address(self) -> Address:
        return Address("extension", "", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enum:
    """An enumerated type; the order of its labels matters."""

    schema: str
    name: str
    labels: tuple[str, ...]
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address("enum", self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCheck:
    """A CHECK of a domain; definition is "CHECK (...)", with NOT VALID where it is."""

    name: str
    definition: str
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A domain; `not_null_name` is the constraint's name on 17 and later, else None."""

    schema: str
    name: str
    type: str
    collation: str | None = None
    default: str | None = None
    not_null: bool = False
    not_null_name: str | None = None
    checks: tuple[DomainCheck, ...] = ()
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address("domain", self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A field of a composite type."""

    name: str
    type: str
    collation: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """A stand-alone composite type."""

    schema: str
    name: str
    attributes: tuple[Attribute, ...]
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address("composite", self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A range type with its multirange type (name qualified)."""

    schema: str
    name: str
    subtype: str
    subtype_opclass: str | None = None
    collation: str | None = None
    canonical: str | None = None
    subtype_diff: str | None = None
    multirange: str | None = None
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address("range", self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collation:
    """A collation; provider is libc, icu or builtin."""

    schema: str
    name: str
    provider: str
    deterministic: bool = True
    locale: str | None = None
    lc_collate: str | None = None
    lc_ctype: str | None = None
    rules: str | None = None
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address("collation", self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceOptions:
    """What a sequence counts, as in pg_sequence; type is smallint, integer or bigint."""

    type: str
    start: int
    increment: int
    minimum: int
    maximum: int
    cache: int
    cycle: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A sequence that is not an identity column's; owned_by is the address of a column."""

    schema: str
    name: str
    options: SequenceOptions
    owned_by: Address | None = None
    unlogged: bool = False
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address("sequence", self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table: kind is "r" (plain), "p" (partitioned) or "f" (foreign).

    `columns` names the columns in order (not compared). `replica_identity` is d, n, f or i;
    the index that i means is marked on the index or constraint itself.
    """

    schema: str
    name: str
    kind: str = "r"
    unlogged: bool = False
    options: tuple[str, ...] = ()
    partition_key: str | None = None
    partition_of: Address | None = None
    partition_bound: str | None = None
    inherits: tuple[Address, ...] = ()
    row_security: bool = False
    force_row_security: bool = False
    replica_identity: str = "d"
    access_method: str | None = None
    of_type: str | None = None
    server: str | None = None
    server_options: tuple[str, ...] = ()
    columns: tuple[str, ...] = field(default=(), compare=False)
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address("table", self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """GENERATED ALWAYS (or BY DEFAULT) AS IDENTITY; `sequence` is its qualified name."""

    always: bool
    sequence: str
    options: SequenceOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNull:
    """A NOT NULL; it has a name since Postgres 18, before that None."""

    name: str | None
    no_inherit: bool = False
    validated: bool = True
    inherited: bool = False
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    `default` is its DEFAULT, or the expression when `generated` is "s" (stored) or "v" (virtual);
    what that expression depends on stands in Catalog.depends under Address("default", ...).
    `storage`, `compression` and `collation` are None where they are the type's own;
    `inherited` says that it only comes from a parent or the partitioned table.
    `position` counts from 1 without dropped columns (not compared).
    """

    schema: str
    table: str
    name: str
    type: str
    not_null: NotNull | None = None
    default: str | None = None
    generated: str = ""
    identity: Identity | None = None
    collation: str | None = None
    storage: str | None = None
    compression: str | None = None
    statistics: int | None = None
    options: tuple[str, ...] = ()
    inherited: bool = False
    comment: str | None = None
    position: int = field(default=0, compare=False)

    @property
    def address(self) -> Address:
        return Address("column", self.schema, self.table, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of an index: a column, or an expression (then column is None).

    `opclass` (with parameters) and `collation` are None where they are the default ones.
    """

    column: str | None
    expression: str | None
    opclass: str | None = None
    collation: str | None = None
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index that no constraint owns; definition is pg_get_indexdef's text.

    The fields below `statistics` take the definition apart for a renderer (not compared).
    `parent` is the partitioned index that it is attached to. `statistics` has (key number,
    target) pairs of ALTER INDEX ... SET STATISTICS.
    """

    schema: str
    name: str
    table: Address
    definition: str
    valid: bool = True
    clustered: bool = False
    replica_identity: bool = False
    parent: Address | None = None
    comment: str | None = None
    statistics: tuple[tuple[int, int], ...] = ()
    unique: bool = field(default=False, compare=False)
    method: str = field(default="btree", compare=False)
    keys: tuple[Key, ...] = field(default=(), compare=False)
    include: tuple[str, ...] = field(default=(), compare=False)
    where: str | None = field(default=None, compare=False)
    options: tuple[str, ...] = field(default=(), compare=False)
    nulls_not_distinct: bool = field(default=False, compare=False)

    @property
    def address(self) -> Address:
        return Address("index", self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a foreign key points at; the actions are NO ACTION, CASCADE, SET NULL (a) ..."""

    table: Address
    columns: tuple[str, ...]
    on_update: str = "NO ACTION"
    on_delete: str = "NO ACTION"
    match: str = "SIMPLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A table's constraint; type is p, u, f, c or x as in pg_constraint.

    `definition` is pg_get_constraintdef's text; `index` the index behind x as
    pg_get_indexdef spells it (the definitions of p and u say all of theirs). The fields below
    `replica_identity` take the definition apart (not compared). `inherited` says that it only
    comes from a parent or partitioned table.
    """

    schema: str
    table: str
    name: str
    type: str
    definition: str
    validated: bool = True
    inherited: bool = False
    comment: str | None = None
    index: str | None = None
    clustered: bool = False
    replica_identity: bool = False
    columns: tuple[str, ...] = field(default=(), compare=False)
    expression: str | None = field(default=None, compare=False)
    reference: Reference | None = field(default=None, compare=False)
    deferrable: bool = field(default=False, compare=False)
    deferred: bool = field(default=False, compare=False)
    enforced: bool = field(default=True, compare=False)
    no_inherit: bool = field(default=False, compare=False)
    include: tuple[str, ...] = field(default=(), compare=False)
    nulls_not_distinct: bool = field(default=False, compare=False)
    options: tuple[str, ...] = field(default=(), compare=False)

    @property
    def address(self) -> Address:
        return Address("constraint", self.schema, self.table, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewColumn:
    """A column of a view, with what can be said of it beyond the query."""

    name: str
    type: str
    default: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view or a materialized view; definition is the query, without a final semicolon."""

    schema: str
    name: str
    definition: str
    materialized: bool = False
    options: tuple[str, ...] = ()
    columns: tuple[ViewColumn, ...] = ()
    populated: bool = True
    access_method: str | None = None
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address("view", self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function, procedure, window function or aggregate: kind is f, p, w or a.

    `definition` is the whole CREATE statement; `identity` the name with identity arguments.
    `result`, `language` and `arguments` take it apart (not compared).
    """

    schema: str
    identity: str
    kind: str
    definition: str
    comment: str | None = None
    name: str = field(default="", compare=False)
    arguments: str = field(default="", compare=False)
    result: str | None = field(default=None, compare=False)
    language: str = field(default="", compare=False)

    @property
    def address(self) -> Address:
        return Address("function", self.schema, self.identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A trigger of a table or view; enabled is O, D, R or A."""

    schema: str
    table: str
    name: str
    definition: str
    enabled: str = "O"
    inherited: bool = False
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address("trigger", self.schema, self.table, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A row-level security policy; command is ALL, SELECT, INSERT, UPDATE or DELETE."""

    schema: str
    table: str
    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None = None
    check: str | None = None
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address("policy", self.schema, self.table, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rewrite rule other than a view's own."""

    schema: str
    table: str
    name: str
    definition: str
    enabled: str = "O"
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address("rule", self.schema, self.table, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Extended statistics; target is None where it is the default."""

    schema: str
    name: str
    definition: str
    target: int | None = None
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address("statistics", self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one role, or PUBLIC, may do with one object; read only where a setting says so.

    `target` is a table, view, sequence, function, type, schema, server or a column. `privileges`
    are Postgres' words in alphabetical order, `grantable` those with the grant option. What the
    owner may do, and what PUBLIC may do without being told, is no Grant; no privileges at all
    say that PUBLIC has lost what it usually has.
    """

    target: Address
    grantee: str
    privileges: tuple[str, ...]
    grantable: tuple[str, ...] = ()

    @property
    def address(self) -> Address:
        kind, schema, name, part = self.target
        words = f"{kind} {part} to" if part else f"{kind} to"
        return Address("grant", schema, name, f"{words} {self.grantee}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultGrant:
    """What ALTER DEFAULT PRIVILEGES says of one grantee; read only where a setting says so.

    `role` is whose objects it is about, "" for those of the role that migrates; `schema` is ""
    where it holds for all; `on` is table, sequence, function, type or schema.
    """

    role: str
    schema: str
    on: str
    grantee: str
    privileges: tuple[str, ...]
    grantable: tuple[str, ...] = ()

    @property
    def address(self) -> Address:
        by = f"by {self.role} " if self.role else ""
        return Address("default_grant", self.schema, self.on, f"{by}to {self.grantee}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A rarer object, known by its whole CREATE statement.

    kind is operator, operator_family, operator_class, cast, text_search_parser,
    text_search_template, text_search_dictionary, text_search_configuration,
    foreign_data_wrapper, server, event_trigger, publication or conversion; drop is the DROP
    statement that undoes create (not compared). Several statements are joined by a semicolon
    and a line feed.
    """

    kind: str
    schema: str
    name: str
    create: str
    drop: str = field(default="", compare=False)
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address(self.kind, self.schema, self.name)


Object: TypeAlias = (
    Schema
    | Extension
    | Enum
    | Domain
    | Composite
    | Range
    | Collation
    | Sequence
    | Table
    | Column
    | Index
    | Constraint
    | View
    | Function
    | Trigger
    | Policy
    | Rule
    | Statistics
    | Definition
    | Grant
    | DefaultGrant
)
