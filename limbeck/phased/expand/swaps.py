"""Swaps hidden columns into the place of the columns that they follow.

Everything slow runs first, while applications work: indexes, constraints and foreign keys on the
hidden columns (`prepare`). Each table then changes in one short transaction (`exchange`), in which
constraints are only attached, renamed and dropped.

A partitioned table and its partitions change together, since a column has one name in all of them.
Their indexes are built partition by partition, and the index of the partitioned table adopts them
when it is created, as its key adopts the keys of the partitions (Postgres manual, "Partition
Maintenance").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.phased.expand import copies, twins
from limbeck.phased.expand.families import family
from limbeck.phased.expand.naming import beside
from limbeck.phased.expand.values import respelled
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column, NotNull
from limbeck.schema.catalog.objects.constraints import Constraint, Reference
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.sequences import Sequence as SequenceObject
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.column_operations import AddNotNull
from limbeck.schema.diff.identities import generator
from limbeck.schema.diff.operations import AddConstraint, DropIndex, Execute
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import quote, quoted, schema_and_name


@dataclass(frozen=True, slots=True)
class Swap:
    """The columns to swap in each table.

    `names` maps a table to {column: hidden column}, `aside` to {column: the name that the replaced
    column gets}. `now` is the catalog before the swap, `then` the one with the indexes and
    constraints that the hidden columns should get. `late` are columns of a type that has a
    temporary name until after the swap; their defaults wait until then.
    """

    names: Mapping[Address, Mapping[str, str]]
    aside: Mapping[Address, Mapping[str, str]]
    now: Catalog
    then: Catalog
    late: frozenset[Address] = frozenset()

    def prepare(self) -> Iterator[Step]:
        """Build what the hidden columns need, without blocking writers.

        Order matters: a foreign key needs the unique index of the key that it refers to, and a
        validated CHECK or NOT NULL lets SET NOT NULL, and a key, skip the scan of the table under
        ACCESS EXCLUSIVE (ALTER TABLE, Notes).
        """
        for table in self.names:
            yield from self._built(table)
            for column in self._columns(table, self.then):
                # A partitioned table gets its NOT NULL right away, under a temporary name: the
                # constraint is inherited by every partition and must not be local there.
                if name := self._name(column):
                    required = NotNull(name=beside(name))
                    hidden = replace(column, name=self._hidden(column), not_null=required)
                    yield Step(AddNotNull(hidden))
                elif column.not_null:
                    yield Step(AddConstraint(self._required(column)))
        for constraint in self._references(self.then):
            yield Step(AddConstraint(self._twin(constraint)))

    def _built(self, table: Address) -> Iterator[Step]:
        for member in family(self.then, table):
            # The key of a partitioned table cannot be made from an index (ADD
            # table_constraint_using_index), so only leaves get an index for their key.
            leaf = member.kind == "r"
            for index in twins.indexes(member.address, self.names[table], self.then, keys=leaf):
                yield twins.built(index)

    def _columns(self, table: Address, catalog: Catalog) -> Iterator[Column]:
        for name in self.names[table]:
            column = catalog.objects.get(Address("column", table.schema, table.name, name))
            if isinstance(column, Column):
                yield column

    def _required(self, column: Column) -> Constraint:
        hidden = self._hidden(column)
        condition = f"({quote(hidden)} IS NOT NULL)"
        return Constraint(
            schema=column.schema,
            table=column.table,
            name=beside(hidden, "_required"),
            type="c",
            definition=f"CHECK {condition}",
            columns=(hidden,),
            expression=condition,
        )

    def _hidden(self, column: Column) -> str:
        return self.names[_table(column)][column.name]

    def _references(self, catalog: Catalog) -> Iterator[Constraint]:
        """Yield the foreign keys from and to the columns to swap."""
        for key in catalog.of(Constraint):
            if key.type == "f" and not key.inherited and self._changes(key):
                yield key

    def _changes(self, key: Constraint) -> bool:
        here = self.names.get(_table(key), {}).keys()
        there = self.names.get(key.reference.table, {}).keys() if key.reference else set()
        used = key.reference.columns if key.reference else ()
        return not (here.isdisjoint(key.columns) and there.isdisjoint(used))

    def _twin(self, key: Constraint) -> Constraint:
        """Return the same foreign key between the hidden columns."""
        reference = key.reference
        if reference is None:
            return key
        here, there = self.names.get(_table(key), {}), self.names.get(reference.table, {})
        head, mark, tail = key.definition.partition(" REFERENCES ")
        columns, close, rest = tail.partition(")")
        table, opening, listed = columns.partition("(")
        definition = (
            f"{_renamed(head, here)}{mark}{table}{opening}{_renamed(listed, there)}{close}"
            f"{_renamed(rest, here)}"
        )
        return replace(
            key,
            name=beside(key.name),
            definition=definition,
            columns=tuple(here.get(name, name) for name in key.columns),
            reference=_reference(reference, there),
            comment=None,
        )

    def order(self) -> list[Address]:
        """Return the tables in the order of their swaps, each before those that it refers to.

        ON UPDATE CASCADE of a swapped key reaches the hidden column of a table that refers to it
        through the twin of the foreign key. If that table were not swapped yet, its visible column
        would keep the old value, and the trigger would copy it over the new one. Tables that
        refer to each other in a circle come in the order of `names`.
        """
        needs: dict[Address, set[Address]] = {table: set() for table in self.names}
        for key in self._references(self.then):
            if key.reference and key.reference.table in needs and _table(key) in needs:
                needs[_table(key)].add(key.reference.table)
        ordered: list[Address] = []
        while rest := [table for table in needs if table not in ordered]:
            free = [t for t in rest if not any(t in needs[u] for u in rest if u != t)]
            ordered.append((free or rest)[0])
        return ordered

    def exchange(self, table: Address) -> Iterator[Step]:
        """Yield the steps that swap the columns of one table, in one short transaction.

        Foreign keys go first and indexes last: a key cannot be dropped while a foreign key refers
        to it, nor its index while it is a constraint's.
        """
        yield from self._referring(table)
        yield from self._keys(table)
        yield from self._indexes(table)
        for column in self._columns(table, self.now):
            yield from self._places(column)

    def _referring(self, table: Address) -> Iterator[Step]:
        """Replace foreign keys by their twins, unless an earlier table's swap has done so.

        A foreign key between two swapped tables belongs to the swap of the first of them: it
        cannot outlive either end.
        """
        later = self.order()[self.order().index(table) :]
        for key in self._references(self.now):
            ends = [_table(key), *([key.reference.table] if key.reference else [])]
            if table in ends and not any(end in self.names and end not in later for end in ends):
                yield _alter(key, f"DROP CONSTRAINT {quote(key.name)}", "drop")
                if key.address in self.then.objects:
                    yield from self._named(key, table)

    def _named(self, reference: Constraint, at: Address) -> Iterator[Step]:
        """Rename the twin of a foreign key; a partition's constraint has a name of its own."""
        for member in family(self.then, _table(reference)):
            key = self.then.objects.get(reference.address._replace(name=member.name))
            if isinstance(key, Constraint):
                text = f"RENAME CONSTRAINT {quote(beside(key.name))} TO {quote(key.name)}"
                yield _of(at, _table(key), _alter(key, text, "rename"))

    def _keys(self, table: Address) -> Iterator[Step]:
        # SET NOT NULL is proved by the CHECK, which is then superfluous. It comes before the keys:
        # ADD PRIMARY KEY would otherwise set NOT NULL itself, and scan the table for it.
        for column in self._columns(table, self.then):
            if column.not_null and not self._name(column):
                hidden = quote(self._hidden(column))
                yield _column(column, f"ALTER COLUMN {hidden} SET NOT NULL")
                required = self._required(column)
                yield _alter(required, f"DROP CONSTRAINT {quote(required.name)}", "drop")
        # The old keys go before the new ones, which take over their names. Dropping the key of a
        # partitioned table drops the inherited ones of its partitions.
        for _, key in self._constraints(table, self.now):
            if not key.inherited:
                dropped = _alter(key, f"DROP CONSTRAINT {quote(key.name)}", "drop")
                yield _of(table, _table(key), dropped)
        # `family` returns leaves first: the key of the whole finds theirs and adopts them.
        for kind, key in self._constraints(table, self.then):
            text = _using(key) if kind == "r" else _spelled(key, self.names[table])
            yield _of(table, _table(key), _alter(key, f"ADD {text}", "create"))

    def _name(self, column: Column) -> str | None:
        """Return the name of a NOT NULL that partitions inherit; it has one from Postgres 18 on."""
        table = self.then.objects.get(_table(column))
        partitioned = isinstance(table, Table) and table.kind == "p"
        return column.not_null.name if partitioned and column.not_null else None

    def named(self, table: Address) -> Iterator[Step]:
        """Yield the steps that give inherited NOT NULLs their final names.

        They come after the replaced columns, whose constraints had the names, are gone.
        """
        for column in self._columns(table, self.then):
            if name := self._name(column):
                text = f"RENAME CONSTRAINT {quote(beside(name))} TO {quote(name)}"
                yield _column(column, text, "rename")

    def _constraints(self, table: Address, catalog: Catalog) -> Iterator[tuple[str, Constraint]]:
        """Yield the keys on swapped columns, each with the kind of the table that it is on."""
        for member in family(catalog, table):
            for key in catalog.of(Constraint):
                here = key.type in "pu" and _table(key) == member.address
                if here and twins.uses_any(key, self.names[table]):
                    yield member.kind, key

    def _indexes(self, table: Address) -> Iterator[Step]:
        # An index with a parent is dropped with it.
        for index in self._of_columns(table, self.now):
            if index.parent is None:
                dropped = Step(Execute(DropIndex(index).sql, "drop", index.address))
                yield _of(table, index.table, dropped)
        for index in self._of_columns(table, self.then):
            hidden = index.address._replace(name=beside(index.name))
            text = f"ALTER INDEX {of(hidden)} RENAME TO {quote(index.name)}"
            yield _of(table, index.table, Step(Execute(text, "rename", index.address)))

    def _of_columns(self, table: Address, catalog: Catalog) -> Iterator[Index]:
        members = {member.address for member in family(catalog, table)}
        for index in catalog.of(Index):
            text = index.definition.partition(" USING ")[2]
            if index.table in members and twins.uses(text, self.names[table]):
                yield index

    def _places(self, column: Column) -> Iterator[Step]:
        aside = self.aside[_table(column)][column.name]
        hidden, name = quote(self._hidden(column)), quote(column.name)
        then = self.then.objects.get(column.address)
        # Privileges are copied while the old column still has its name.
        yield copies.granted(column, self._hidden(column))
        yield _column(column, f"RENAME COLUMN {name} TO {quote(aside)}", "rename")
        yield _column(column, f"RENAME COLUMN {hidden} TO {name}", "rename")
        if column.identity:
            yield from _identity(column, aside, then if isinstance(then, Column) else column)
        elif isinstance(then, Column) and then.default is not None and not self._late(then):
            yield _column(column, f"ALTER COLUMN {name} SET DEFAULT {then.default}")
        # Otherwise dropping the old column would drop the sequence that it owns.
        for sequence in self.now.of(SequenceObject):
            if sequence.owned_by == column.address:
                owner = f"{of(_table(column))}.{name}"
                text = f"ALTER SEQUENCE {of(sequence.address)} OWNED BY {owner}"
                yield Step(Execute(text, "alter", sequence.address))

    def _late(self, column: Column) -> bool:
        return bool(column.generated) or column.address in self.late


def _identity(column: Column, aside: str, then: Column) -> Iterator[Step]:
    """Yield the steps that continue an identity on the new column.

    An identity sequence cannot change its column, so a new one continues from the value of the
    old. The old sequence is renamed first: ADD GENERATED names the new one after the column.
    """
    if column.identity is None:
        return
    schema, name = schema_and_name(column.identity.sequence)
    old = Address("sequence", schema, beside(name, "_old"))
    now = Address("sequence", schema, name)
    if then.identity is None:
        return
    text = f"ALTER SEQUENCE {of(now)} RENAME TO {quote(old.name)}"
    yield Step(Execute(text, "rename", now))
    yield _column(column, f"ALTER COLUMN {quote(column.name)} ADD {generator(then)}")
    text = f"SELECT setval('{of(now)}', last_value, is_called) FROM {of(old)}"
    yield Step(Execute(text, "alter", column.address))
    yield _column(column, f"ALTER COLUMN {quote(aside)} DROP IDENTITY")


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return respelled(text, names, lambda name: quote(names[name]))


def _reference(reference: Reference, names: Mapping[str, str]) -> Reference:
    columns = tuple(names.get(column, column) for column in reference.columns)
    return replace(reference, columns=columns)


def _table(item: Column | Constraint) -> Address:
    return Address("table", item.schema, item.table)


def _alter(constraint: Constraint, text: str, verb: str) -> Step:
    text = f"ALTER TABLE {of(_table(constraint))} {text}"
    return Step(Execute(text, verb, constraint.address))


def _column(column: Column, text: str, verb: str = "alter") -> Step:
    return Step(Execute(f"ALTER TABLE {of(_table(column))} {text}", verb, column.address))


def _of(table: Address, member: Address, step: Step) -> Step:
    """Return a step on a partition as one on the partitioned table.

    `online` groups steps into transactions by table, and these must share one.
    """
    return step if member == table else Step(Execute(step.sql, "alter", table))


def _using(key: Constraint) -> str:
    kind = "PRIMARY KEY" if key.type == "p" else "UNIQUE"
    text = f"CONSTRAINT {quote(key.name)} {kind} USING INDEX {quote(beside(key.name))}"
    return text + _deferrable(key)


def _spelled(key: Constraint, names: Mapping[str, str]) -> str:
    """Return the definition of a key of a partitioned table."""
    kind = "PRIMARY KEY" if key.type == "p" else "UNIQUE"
    text = f"CONSTRAINT {quote(key.name)} {kind}"
    text += " NULLS NOT DISTINCT" if key.nulls_not_distinct else ""
    text += f" ({quoted([names.get(column, column) for column in key.columns])})"
    text += f" INCLUDE ({quoted([names.get(c, c) for c in key.include])})" if key.include else ""
    text += f" WITH ({', '.join(key.options)})" if key.options else ""
    return text + _deferrable(key)


def _deferrable(key: Constraint) -> str:
    text = " DEFERRABLE" if key.deferrable else ""
    return text + (" INITIALLY DEFERRED" if key.deferred else "")
