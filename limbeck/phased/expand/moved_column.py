"""Move a column to a table that refers to the one it is in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from limbeck.phased.expand import copies, twins
from limbeck.phased.expand.dropped_column import DroppedColumn
from limbeck.phased.expand.families import unseen
from limbeck.phased.expand.locked_batches import locked_batches
from limbeck.phased.expand.naming import trigger
from limbeck.phased.expand.values import differ, is_exact
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of, qualified, quote
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.diff.column_operations import AlterNotNull
from limbeck.schema.diff.operations import CreateFunction, Execute
from limbeck.schema.diff.sql import literal
from limbeck.schema.diff.steps import Step
from limbeck.schema.renames.parse import split, unquote

PREFIX = "zz_move"
LOST = """\
DO $$
BEGIN
    IF EXISTS (SELECT FROM {there} t WHERE t.{old} IS NOT NULL
        AND NOT EXISTS (SELECT FROM {here} h WHERE {joined})) THEN
        RAISE EXCEPTION USING MESSAGE = {message};
    END IF;
END
$$"""


@dataclass(frozen=True, slots=True)
class MovedColumn:
    """A column that goes from one table to another one, which refers to it by a key.

    Each row that refers has the value of the row it refers to; writing either writes the other.
    """

    old: Column
    new: Column
    key: Constraint

    @property
    def uses(self) -> tuple[str, ...]:
        """The column where it was."""
        return DroppedColumn(self.old).uses

    def covers(self, step: Step) -> bool:
        """Tell whether a step drops the old column, or what is on it."""
        return DroppedColumn(self.old).covers(step)

    def validate(self, before: Catalog) -> Sequence[str]:
        """Refuse tables that others inherit from; that they belong together was seen before."""
        return [said for one in (self.old, self.new) for said in unseen(before, self._at(one))]

    def expand(self, before: Catalog) -> Iterator[Step]:
        """Let the old column be NULL, and either table write the other, which an index finds."""
        if self.old.not_null is not None:
            yield Step(AlterNotNull(self.old, replace(self.old, not_null=None)))
        yield from self._indexed(before)
        yield from self._triggers(self._back(), self._forth(), self._taken())

    def _indexed(self, catalog: Catalog) -> Iterator[Step]:
        """Index what refers, unless it is: each write of the old column looks for its rows."""
        if not twins.begins(self._at(self.new), self.key.columns, catalog):
            yield twins.built(twins.plain(self._at(self.new), self.key.columns))

    def backfill(self) -> Sequence[Backfill]:
        """Let a trigger take the values over, as they are once a row is locked."""
        value, name = self._value(quote(self.new.table)), quote(self.new.name)
        wrong = differ(name, value, exact=is_exact(self.new))
        return (Backfill(self._here, ((name, name),), wrong),)

    def contract(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """See that every value has found its row, then part the tables."""
        del middle, after
        yield from copies.left(self.backfill())
        message = f"no row of {self._here} refers to some rows that have a {self.old.name}"
        text = LOST.format(
            there=self._there,
            here=self._here,
            old=quote(self.old.name),
            joined=self._joined("h", "t"),
            message=literal(message),
        )
        yield Step(Execute(text, "alter", self._at(self.old)), outside=True)
        for one in (self._back(), self._forth(), self._taken()):
            table = self._at(self.old if one.there else self.new)
            yield Step(Execute(f"DROP TRIGGER {quote(one.name)} ON {of(table)}", "drop", table))
            function = qualified(self.old.schema if one.there else self.new.schema, one.name)
            yield Step(Execute(f"DROP FUNCTION {function}()", "drop", self._function(one)))

    def rollback(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Add the old column and fill it from the new one, before it is listened to."""
        del middle
        yield from self._indexed(after)
        yield copies.added(copies.bare(self.old, self.old.name))
        yield from self._triggers(self._back())
        old, value = quote(self.old.name), self._original(quote(self.old.table))
        wrong = differ(old, value, exact=is_exact(self.old))
        text = locked_batches(self._there, f"{old} = {value}", wrong)
        yield Step(Execute(text, "alter", self.old.address), outside=True)
        yield from self._triggers(self._forth(), self._taken())

    @property
    def _here(self) -> str:
        return qualified(self.new.schema, self.new.table)

    @property
    def _there(self) -> str:
        return qualified(self.old.schema, self.old.table)

    def _at(self, column: Column) -> Address:
        return Address("table", column.schema, column.table)

    def _joined(self, here: str, there: str) -> str:
        columns = self.key.reference.columns if self.key.reference else ()
        pairs = zip(self.key.columns, columns, strict=True)
        return " AND ".join(f"{there}.{quote(k)} = {here}.{quote(f)}" for f, k in pairs)

    def _value(self, row: str) -> str:
        """Spell the value that a row of the new table has to have."""
        column, joined = quote(self.old.name), self._joined(row, "moved")
        return f"(SELECT moved.{column} FROM {self._there} moved WHERE {joined})"

    def _original(self, row: str) -> str:
        column, joined = quote(self.new.name), self._joined("moved", row)
        return f"(SELECT moved.{column} FROM {self._here} moved WHERE {joined} LIMIT 1)"

    def _taken(self) -> _Reaction:
        """Give a row of the new table its value, unless it was written there itself.

        Who writes the old row at this moment is waited for: he cannot see the new one yet.
        """
        new, exact = quote(self.new.name), is_exact(self.new)
        same = differ(f"NEW.{new}", f"OLD.{new}", exact=exact)
        refers = " OR ".join(
            f"NEW.{quote(one)} IS DISTINCT FROM OLD.{quote(one)}" for one in self.key.columns
        )
        text = (
            f"IF TG_OP = 'INSERT' OR {refers} THEN\n"
            f"        PERFORM FROM {self._there} moved WHERE {self._joined('NEW', 'moved')}\n"
            f"        FOR NO KEY UPDATE;\n    END IF;\n"
            f"    IF (TG_OP = 'INSERT' AND NEW.{new} IS NOT NULL)\n"
            f"        OR (TG_OP = 'UPDATE' AND {same}) THEN\n"
            f"        RETURN NEW;\n    END IF;\n    NEW.{new} := {self._value('NEW')};"
        )
        name = trigger(f"{PREFIX}_take", self.new.table, self.new.name)
        return _Reaction(name, "BEFORE INSERT OR UPDATE", text)

    def _back(self) -> _Reaction:
        """Write the old column when the new one was written."""
        new, old = quote(self.new.name), quote(self.old.name)
        exact = is_exact(self.new)
        changed = differ(f"NEW.{new}", f"OLD.{new}", exact=exact)
        different = differ(f"t.{old}", f"NEW.{new}", exact=exact)
        text = (
            f"IF TG_OP = 'INSERT' OR ({changed}) THEN\n"
            f"        UPDATE {self._there} t SET {old} = NEW.{new}\n"
            f"        WHERE {self._joined('NEW', 't')} AND {different};\n    END IF;"
        )
        name = trigger(f"{PREFIX}_back", self.new.table, self.new.name)
        return _Reaction(name, "AFTER INSERT OR UPDATE", text)

    def _forth(self) -> _Reaction:
        """Write the new column when the old one was written."""
        new, old = quote(self.new.name), quote(self.old.name)
        different = differ(f"h.{new}", f"NEW.{old}", exact=is_exact(self.new))
        text = (
            f"UPDATE {self._here} h SET {new} = NEW.{old}\n"
            f"    WHERE {self._joined('h', 'NEW')} AND {different};"
        )
        when = differ(f"NEW.{old}", f"OLD.{old}", exact=is_exact(self.old))
        name = trigger(f"{PREFIX}_forth", self.old.table, self.old.name)
        return _Reaction(name, "AFTER UPDATE", text, there=True, when=when)

    def _function(self, one: _Reaction) -> Address:
        schema = self.old.schema if one.there else self.new.schema
        return Address("function", schema, f"{one.name}()")

    def _triggers(self, *reactions: _Reaction) -> Iterator[Step]:
        for one in reactions:
            column = self.old if one.there else self.new
            table, at = qualified(column.schema, column.table), self._at(column)
            function, name = qualified(column.schema, one.name), quote(one.name)
            text = (
                f"CREATE FUNCTION {function}() RETURNS trigger\n"
                f"LANGUAGE plpgsql SET search_path = '' AS $$\n"
                f"BEGIN\n    {one.text}\n    RETURN NEW;\nEND\n$$"
            )
            yield Step(CreateFunction(text, "create", self._function(one)))
            when = f" WHEN ({one.when})" if one.when else ""
            fired = (
                f"CREATE TRIGGER {name} {one.event} ON {table}\n"
                f"    FOR EACH ROW{when}\n    EXECUTE FUNCTION {function}()"
            )
            address = Address("trigger", at.schema, at.name, one.name)
            yield Step(Execute(fired, "create", address))
            enabled = f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"
            yield Step(Execute(enabled, "alter", address))


@dataclass(frozen=True, slots=True)
class _Reaction:
    """A trigger: when it fires, what its function does; `there` is the table of the old column."""

    name: str
    event: str
    text: str
    there: bool = False
    when: str = ""


def moved(before: Catalog, after: Catalog, values: Mapping[Address, str]) -> Iterator[MovedColumn]:
    """Yield the new columns whose value is a column of the table that theirs refers to."""
    for at, expression in values.items():
        new = after.objects.get(at)
        old = _column(expression, at.schema, before)
        if not isinstance(new, Column) or at in before.objects or old is None:
            continue
        gone = old.address not in after.objects
        key = _key(new, old, before)
        if gone and key is not None:
            yield MovedColumn(old, new, key)


def _column(expression: str, schema: str, before: Catalog) -> Column | None:
    if not re.fullmatch(r'[\w$.]+|(?:[\w$]+\.|"[^"]+"\.?)+[\w$]*', expression.strip()):
        return None
    names = [unquote(one) for one in split(expression.strip(), ".")]
    if len(names) == 2:  # noqa: PLR2004 - table and column
        names = [schema, *names]
    found = before.objects.get(Address("column", *names)) if len(names) == 3 else None  # noqa: PLR2004
    return found if isinstance(found, Column) else None


def _key(new: Column, old: Column, before: Catalog) -> Constraint | None:
    there = Address("table", old.schema, old.table)
    for one in before.of(Constraint):
        refers = one.reference is not None and one.reference.table == there
        if one.type == "f" and (one.schema, one.table) == (new.schema, new.table) and refers:
            return one
    return None
