"""The columns, constraints and indexes of a catalog, by table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Sequence
from operator import attrgetter

from limbeck.dataclass import dataclass
from limbeck.models.pull.render.partitions import followed
from limbeck.models.pull.render.serials import columns_fed, serials
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table


@dataclass(frozen=True, slots=True)
class Contents:
    """A table with everything that CREATE TABLE creates along with it.

    `serial` is the column whose sequence SQLAlchemy creates, if there is one; `serials` are other
    columns with a sequence of their own, and `filled` those whose default is set after the tables
    are created; `followed` are the indexes that partitions get by being created, and `inherited`
    the checks that a table has from its parents.
    """

    table: Table
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...]
    indexes: tuple[Index, ...]
    serial: str | None
    filled: frozenset[str] = frozenset()
    followed: frozenset[Address] = frozenset()
    inherited: tuple[Constraint, ...] = ()
    serials: frozenset[str] = frozenset()

    @property
    def primary_key(self) -> Constraint | None:
        """The primary key, None where there is none."""
        return next((constraint for constraint in self.constraints if constraint.type == "p"), None)

    @property
    def foreign_keys(self) -> tuple[Constraint, ...]:
        """The foreign keys, by name."""
        return tuple(constraint for constraint in self.constraints if constraint.type == "f")

    def fills(self, column: Column) -> bool:
        """Return whether the server fills a column that an INSERT omits."""
        own = column.name == self.serial or column.name in self.filled | self.serials
        return bool(own or column.identity or column.generated or column.default)


def inline(constraint: Constraint) -> bool:
    """Return whether a constraint can be declared at its only column."""
    return (
        len(constraint.columns) == 1
        and constraint.type in {"f", "u"}
        and constraint.validated
        and not (constraint.deferrable and constraint.type == "u")
        and not constraint.include
        and not constraint.nulls_not_distinct
    )


def follows(key: Constraint, contents: Contents) -> bool:
    """Return whether a foreign key has to be added after its table, with ALTER TABLE.

    So does one to its own table that only a unique index covers: CREATE INDEX comes later. And
    CREATE TABLE ignores NOT VALID.
    """
    if key.type != "f" or not key.validated:
        return key.type == "f"
    refers = key.reference
    if refers is None or refers.table != contents.table.address:
        return False
    return not any(
        constraint.type in {"p", "u"} and set(constraint.columns) == set(refers.columns)
        for constraint in contents.constraints
    )


def covers(contents: Contents, columns: Sequence[str]) -> bool:
    """Return whether a key or a unique index lets foreign keys refer to these columns."""
    keys = (set(part.columns) for part in contents.constraints if part.type in {"p", "u"})
    indexes = (
        {key.column for key in index.keys}
        for index in contents.indexes
        if index.unique and index.where is None
    )
    return set(columns) in [*keys, *indexes]


def contents(catalog: Catalog, apart: Container[Address] = ()) -> dict[Address, Contents]:
    """Return the contents of each table of a catalog, by address.

    Args:
        catalog: the schema.
        apart: columns whose sequence the working models declare beside the tables.

    """
    columns: dict[tuple[str, str], list[Column]] = defaultdict(list)
    constraints: dict[tuple[str, str], list[Constraint]] = defaultdict(list)
    indexes: dict[Address, list[Index]] = defaultdict(list)
    for column in catalog.every(Column):
        columns[column.schema, column.table].append(column)
    for constraint in catalog.every(Constraint):
        constraints[constraint.schema, constraint.table].append(constraint)
    for index in catalog.every(Index):
        indexes[index.table].append(index)
    own = serials(catalog)
    others: dict[tuple[str, str], set[str]] = defaultdict(set)
    for address in own:
        if address not in apart:
            others[address.schema, address.name].add(address.part)
    all_followed = followed(catalog)
    fed: dict[tuple[str, str], set[str]] = defaultdict(set)
    for address in columns_fed(catalog):
        fed[address.schema, address.name].add(address.part)
    by_address: dict[Address, Contents] = {}
    for table in catalog.of(Table):
        at = (table.schema, table.name)
        serial = _serial(table, constraints[at], own)
        more = frozenset(others.get(at, ())) - {serial}
        by_address[table.address] = Contents(
            table,
            tuple(sorted(columns[at], key=attrgetter("position"))),
            tuple(sorted(constraints[at], key=attrgetter("name"))),
            tuple(sorted(indexes[table.address], key=attrgetter("schema", "name"))),
            serial,
            frozenset(fed[at]) - {serial} - more,
            all_followed.intersection(index.address for index in indexes[table.address])
            if table.partition_key
            else frozenset(),
            serials=more,
        )
    return by_address


def _serial(table: Table, constraints: Sequence[Constraint], own: Container[Address]) -> str | None:
    # SQLAlchemy makes only one column of a table a serial, and that in the primary key.
    key = next((constraint.columns for constraint in constraints if constraint.type == "p"), ())
    addresses = (Address("column", table.schema, table.name, column) for column in key)
    return next((address.part for address in addresses if address in own), None)
