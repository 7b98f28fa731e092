"""Let hidden columns take the place of others: first all that takes time, then short locks.

A partitioned table and its partitions change at once, for a column has one name in all of them.
Their indexes are built partition by partition; that of the whole then takes them for its own, as
a key takes those of its partitions: Postgres manual, "Partition Maintenance".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from limbeck.phased.expand import copies, twins
from limbeck.phased.expand.families import family
from limbeck.phased.expand.naming import beside
from limbeck.phased.expand.values import respelled
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of, quote, quoted, unquoted
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


@dataclass(frozen=True, slots=True)
class Swap:
    """Which hidden column takes which one's place, table by table.

    `names` maps a table to {column: hidden column}; `aside` to {column: the name that what was
    there gets}. `now` is the catalog that the columns are in, `then` the one that says what the
    hidden ones shall have. `late` are the columns whose types have another name as yet, so that
    their defaults have to wait.
    """

    names: Mapping[Address, Mapping[str, str]]
    aside: Mapping[Address, Mapping[str, str]]
    now: Catalog
    then: Catalog
    late: frozenset[Address] = frozenset()

    def prepare(self) -> Iterator[Step]:
        """Build indexes, keys and constraints for the hidden columns; nobody waits for long."""
        for table in self.names:
            yield from self._built(table)
            for column in self._columns(table, self.then):
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
            leaf = member.kind == "r"
            for index in twins.indexes(member.address, self.names[table], self.then, keys=leaf):
                yield twins.built(index)

    def _columns(self, table: Address, catalog: Catalog) -> Iterator[Column]:
        for name in self.names[table]:
            found = catalog.objects.get(Address("column", table.schema, table.name, name))
            if isinstance(found, Column):
                yield found

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
        """Yield the foreign keys from and to the columns that change places."""
        for one in catalog.of(Constraint):
            if one.type == "f" and not one.inherited and self._changes(one):
                yield one

    def _changes(self, one: Constraint) -> bool:
        here = self.names.get(_table(one), {}).keys()
        there = self.names.get(one.reference.table, {}).keys() if one.reference else set()
        used = one.reference.columns if one.reference else ()
        return not (here.isdisjoint(one.columns) and there.isdisjoint(used))

    def _twin(self, one: Constraint) -> Constraint:
        """Return the same foreign key between the hidden columns."""
        reference = one.reference
        if reference is None:
            return one
        here, there = self.names.get(_table(one), {}), self.names.get(reference.table, {})
        head, mark, tail = one.definition.partition(" REFERENCES ")
        columns, close, rest = tail.partition(")")
        table, opening, listed = columns.partition("(")
        definition = (
            f"{_renamed(head, here)}{mark}{table}{opening}{_renamed(listed, there)}{close}"
            f"{_renamed(rest, here)}"
        )
        return replace(
            one,
            name=beside(one.name),
            definition=definition,
            columns=tuple(here.get(name, name) for name in one.columns),
            reference=_reference(reference, there),
            comment=None,
        )

    def order(self) -> list[Address]:
        """Return the tables in which to change places, each before those that it refers to."""
        needs: dict[Address, set[Address]] = {table: set() for table in self.names}
        for one in self._references(self.then):
            if one.reference and one.reference.table in needs and _table(one) in needs:
                needs[_table(one)].add(one.reference.table)
        ordered: list[Address] = []
        while rest := [table for table in needs if table not in ordered]:
            free = [t for t in rest if not any(t in needs[u] for u in rest if u != t)]
            ordered.append((free or rest)[0])
        return ordered

    def one(self, table: Address) -> Iterator[Step]:
        """Change places in one table, in one short transaction."""
        yield from self._referring(table)
        yield from self._keys(table)
        yield from self._indexes(table)
        for column in self._columns(table, self.now):
            yield from self._places(column)

    def _referring(self, table: Address) -> Iterator[Step]:
        """Let the twins of foreign keys be the only ones, where that is not done yet."""
        later = self.order()[self.order().index(table) :]
        for one in self._references(self.now):
            firsts = [_table(one), *([one.reference.table] if one.reference else [])]
            if table in firsts and not any(t in self.names and t not in later for t in firsts):
                yield _alter(one, f"DROP CONSTRAINT {quote(one.name)}", "drop")
                if one.address in self.then.objects:
                    yield from self._named(one, table)

    def _named(self, reference: Constraint, at: Address) -> Iterator[Step]:
        """Give a twin the name, in each partition as well."""
        for member in family(self.then, _table(reference)):
            one = self.then.objects.get(reference.address._replace(name=member.name))
            if isinstance(one, Constraint):
                text = f"RENAME CONSTRAINT {quote(beside(one.name))} TO {quote(one.name)}"
                yield _of(at, _table(one), _alter(one, text, "rename"))

    def _keys(self, table: Address) -> Iterator[Step]:
        for column in self._columns(table, self.then):
            if column.not_null and not self._name(column):
                hidden = quote(self._hidden(column))
                yield _column(column, f"ALTER COLUMN {hidden} SET NOT NULL")
                required = self._required(column)
                yield _alter(required, f"DROP CONSTRAINT {quote(required.name)}", "drop")
        for _, one in self._constraints(table, self.now):
            if not one.inherited:
                dropped = _alter(one, f"DROP CONSTRAINT {quote(one.name)}", "drop")
                yield _of(table, _table(one), dropped)
        for kind, one in self._constraints(table, self.then):
            text = _using(one) if kind == "r" else _spelled(one, self.names[table])
            yield _of(table, _table(one), _alter(one, f"ADD {text}", "create"))

    def _name(self, column: Column) -> str | None:
        """Return the name of a NOT NULL that its partitions have, too (since Postgres 18)."""
        table = self.then.objects.get(_table(column))
        partitioned = isinstance(table, Table) and table.kind == "p"
        return column.not_null.name if partitioned and column.not_null else None

    def named(self, table: Address) -> Iterator[Step]:
        """Give a NOT NULL its name in all partitions, once what was there has none any more."""
        for column in self._columns(table, self.then):
            if name := self._name(column):
                text = f"RENAME CONSTRAINT {quote(beside(name))} TO {quote(name)}"
                yield _column(column, text, "rename")

    def _constraints(self, table: Address, catalog: Catalog) -> Iterator[tuple[str, Constraint]]:
        """Yield the keys with these columns, and which kind of table each of them is on."""
        for member in family(catalog, table):
            for one in catalog.of(Constraint):
                key = one.type in "pu" and _table(one) == member.address
                if key and twins.uses_any(one, self.names[table]):
                    yield member.kind, one

    def _indexes(self, table: Address) -> Iterator[Step]:
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
        yield copies.granted(column, self._hidden(column))
        yield _column(column, f"RENAME COLUMN {name} TO {quote(aside)}", "rename")
        yield _column(column, f"RENAME COLUMN {hidden} TO {name}", "rename")
        if column.identity:
            yield from _identity(column, aside, then if isinstance(then, Column) else column)
        elif isinstance(then, Column) and then.default is not None and not self._late(then):
            yield _column(column, f"ALTER COLUMN {name} SET DEFAULT {then.default}")
        for sequence in self.now.of(SequenceObject):
            if sequence.owned_by == column.address:
                owner = f"{of(_table(column))}.{name}"
                text = f"ALTER SEQUENCE {of(sequence.address)} OWNED BY {owner}"
                yield Step(Execute(text, "alter", sequence.address))

    def _late(self, column: Column) -> bool:
        return bool(column.generated) or column.address in self.late


def _identity(column: Column, aside: str, then: Column) -> Iterator[Step]:
    """Let the new column count on from where the old one was."""
    if column.identity is None:
        return
    schema, name = unquoted(column.identity.sequence)
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
    return replace(reference, columns=tuple(names.get(one, one) for one in reference.columns))


def _table(item: Column | Constraint) -> Address:
    return Address("table", item.schema, item.table)


def _alter(one: Constraint, text: str, verb: str) -> Step:
    return Step(Execute(f"ALTER TABLE {of(_table(one))} {text}", verb, one.address))


def _column(column: Column, text: str, verb: str = "alter") -> Step:
    return Step(Execute(f"ALTER TABLE {of(_table(column))} {text}", verb, column.address))


def _of(table: Address, member: Address, step: Step) -> Step:
    """Let a step about a partition count as one about the whole, whose transaction it is in."""
    return step if member == table else Step(Execute(step.sql, "alter", table))


def _using(one: Constraint) -> str:
    kind = "PRIMARY KEY" if one.type == "p" else "UNIQUE"
    text = f"CONSTRAINT {quote(one.name)} {kind} USING INDEX {quote(beside(one.name))}"
    return text + _deferrable(one)


def _spelled(one: Constraint, names: Mapping[str, str]) -> str:
    """Spell a key of a partitioned table, which cannot be made of an index."""
    kind = "PRIMARY KEY" if one.type == "p" else "UNIQUE"
    text = f"CONSTRAINT {quote(one.name)} {kind}"
    text += " NULLS NOT DISTINCT" if one.nulls_not_distinct else ""
    text += f" ({quoted([names.get(column, column) for column in one.columns])})"
    text += f" INCLUDE ({quoted([names.get(c, c) for c in one.include])})" if one.include else ""
    text += f" WITH ({', '.join(one.options)})" if one.options else ""
    return text + _deferrable(one)


def _deferrable(one: Constraint) -> str:
    text = " DEFERRABLE" if one.deferrable else ""
    return text + (" INITIALLY DEFERRED" if one.deferred else "")
