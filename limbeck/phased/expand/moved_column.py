"""Recipe: move a column to a table that refers to the one it is in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.phased.expand import copies, twins
from limbeck.phased.expand.dropped_column import DroppedColumn
from limbeck.phased.expand.families import unseen
from limbeck.phased.expand.locked_batches import locked_batches
from limbeck.phased.expand.naming import trigger
from limbeck.phased.expand.recipe import Recipe
from limbeck.phased.expand.row_trigger import RowTrigger
from limbeck.phased.expand.values import differ, folded_word, is_exact
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.diff.column_operations import AlterNotNull
from limbeck.schema.diff.operations import Execute
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.lexer import tokens
from limbeck.schema.sql.quoting import dollar_quoted, literal, qualified, quote, unquote

PREFIX = "zz_move"
# Fails the contract while a value would be lost with the old column: a row of the old table that
# has a value, and no row of the new table to take it.
LOST = """
BEGIN
    IF EXISTS (SELECT FROM {there} t WHERE t.{old} IS NOT NULL
        AND NOT EXISTS (SELECT FROM {here} h WHERE {joined})) THEN
        RAISE EXCEPTION USING MESSAGE = {message};
    END IF;
END
"""


@dataclass(frozen=True, slots=True)
class MovedColumn(Recipe):
    """A column that moves from table `old` to table `new`, which has the foreign key `key` to it.

    Until the contract, each row of the new table has the value of the row that it refers to, and
    a write to either table updates the other. Three triggers do that. On the new table, `take`
    fills a row before it is written and `back` passes a written value on to the old table
    afterwards; on the old table, `forth` passes a changed value on to all rows that refer to it.
    """

    old: Column
    new: Column
    key: Constraint

    @property
    def uses(self) -> tuple[str, ...]:
        """The old column."""
        return DroppedColumn(self.old).uses

    def covers(self, step: Step) -> bool:
        """Return whether a step drops the old column or an object on it."""
        return DroppedColumn(self.old).covers(step)

    def validate(self, before: Catalog) -> Sequence[str]:
        """Refuse tables that others inherit from; `moved` has checked the foreign key."""
        sides = (self.old, self.new)
        return [reason for side in sides for reason in unseen(before, _table(side))]

    def expand(self, before: Catalog) -> Iterator[Step]:
        """Make the old column nullable, index the foreign key, create the triggers.

        The new application inserts rows without the old column, so a NOT NULL must go first. The
        triggers come last: `forth` would scan the new table for every write without the index.
        """
        if self.old.not_null is not None:
            yield Step(AlterNotNull(self.old, replace(self.old, not_null=None)))
        yield from self._indexed(before)
        for each in self._triggers:
            yield from each.create()

    def _indexed(self, catalog: Catalog) -> Iterator[Step]:
        """Index the referring columns: `forth` looks them up for each write of the old column."""
        if not twins.begins(_table(self.new), self.key.columns, catalog):
            yield twins.built(twins.plain(_table(self.new), self.key.columns))

    def backfill(self) -> Sequence[Backfill]:
        """Return a backfill that assigns the column to itself; `take` then fills in the value.

        A value in SET would be read before the row is locked, and would overwrite one that was
        written meanwhile. The trigger reads it afterwards.
        """
        value, name = self._value(quote(self.new.table)), quote(self.new.name)
        wrong = differ(name, value, exact=is_exact(self.new))
        return (Backfill(self._here, ((self.new.name, name),), wrong),)

    def contract(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Check that no value is lost, then drop the triggers.

        The check is a step outside the transaction: it reads both tables, and must not do so
        while the contract's locks keep applications waiting.
        """
        del middle, after
        yield from copies.left(self.backfill())
        message = f"rows of {self._there} have a {self.old.name}, but no row of {self._here}"
        body = LOST.format(
            there=self._there,
            here=self._here,
            old=quote(self.old.name),
            joined=self._joined("h", "t"),
            message=literal(message),
        )
        text = f"DO {dollar_quoted(body)}"
        yield Step(Execute(text, "alter", _table(self.old)), outside=True)
        for each in self._triggers:
            yield from each.drop()

    def rollback(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Add the old column and fill it from the new one.

        `back` is created first: from then on every write to the new table reaches the old column,
        so the backfill cannot miss one. `forth` and `take` come after the backfill. Before it, the
        old column is still NULL in most rows, and they would copy that NULL over the new value.
        """
        del middle
        yield from self._indexed(after)
        yield copies.added(copies.bare(self.old, self.old.name))
        yield from self._back.create()
        old, value = quote(self.old.name), self._original(quote(self.old.table))
        wrong = differ(old, value, exact=is_exact(self.old))
        text = locked_batches(self._there, f"{old} = {value}", wrong)
        yield Step(Execute(text, "alter", self.old.address), outside=True)
        yield from self._forth.create()
        yield from self._take.create()

    @property
    def _here(self) -> str:
        return qualified(self.new.schema, self.new.table)

    @property
    def _there(self) -> str:
        return qualified(self.old.schema, self.old.table)

    def _joined(self, here: str, there: str) -> str:
        columns = self.key.reference.columns if self.key.reference else ()
        pairs = zip(self.key.columns, columns, strict=True)
        return " AND ".join(f"{there}.{quote(k)} = {here}.{quote(f)}" for f, k in pairs)

    def _value(self, row: str) -> str:
        """Return SQL for the value that a row of the new table should have."""
        column, joined = quote(self.old.name), self._joined(row, "moved")
        return f"(SELECT moved.{column} FROM {self._there} moved WHERE {joined})"

    def _original(self, row: str) -> str:
        """Return SQL for the value that a row of the old table should have.

        Rows that refer to the same one may differ after the contract; one of them is taken.
        """
        column, joined = quote(self.new.name), self._joined("moved", row)
        return f"(SELECT moved.{column} FROM {self._here} moved WHERE {joined} LIMIT 1)"

    @property
    def _triggers(self) -> tuple[RowTrigger, ...]:
        return self._back, self._forth, self._take

    @property
    def _take(self) -> RowTrigger:
        """The trigger that fills a row of the new table, unless the row has a value of its own.

        It must be BEFORE, to assign to NEW. A new row, and one that refers to another row from now
        on, first locks the row that it refers to: a session that is just changing the old value
        does not see this uncommitted row, so its `forth` would miss it. FOR NO KEY UPDATE is the
        lock of that session's UPDATE; it conflicts with it, but not with the FOR KEY SHARE of
        foreign key checks. A row keeps its own value if an INSERT gave one, or an UPDATE
        changed it. Everything else, the backfill included, takes over the current old value.
        """
        new = quote(self.new.name)
        changed = differ(f"NEW.{new}", f"OLD.{new}", exact=is_exact(self.new))
        refers = " OR ".join(
            f"NEW.{quote(column)} IS DISTINCT FROM OLD.{quote(column)}"
            for column in self.key.columns
        )
        return self._reaction(
            "take",
            self.new,
            f"IF TG_OP = 'INSERT' OR {refers} THEN\n"
            f"        PERFORM FROM {self._there} moved WHERE {self._joined('NEW', 'moved')}\n"
            f"        FOR NO KEY UPDATE;\n    END IF;\n"
            f"    IF (TG_OP = 'INSERT' AND NEW.{new} IS NOT NULL)\n"
            f"        OR (TG_OP = 'UPDATE' AND {changed}) THEN\n"
            f"        RETURN NEW;\n    END IF;\n    NEW.{new} := {self._value('NEW')};",
            "BEFORE INSERT OR UPDATE",
        )

    @property
    def _back(self) -> RowTrigger:
        """The trigger that updates the old column after the new one was written.

        It must be AFTER, for another BEFORE trigger may still change the row. Whether the value
        changed is tested in the function: WHEN cannot name OLD in a trigger that also fires on
        INSERT. Only a row with another value is updated, which ends the recursion through `forth`.
        """
        new, old = quote(self.new.name), quote(self.old.name)
        exact = is_exact(self.new)
        changed = differ(f"NEW.{new}", f"OLD.{new}", exact=exact)
        different = differ(f"t.{old}", f"NEW.{new}", exact=exact)
        return self._reaction(
            "back",
            self.new,
            f"IF TG_OP = 'INSERT' OR ({changed}) THEN\n"
            f"        UPDATE {self._there} t SET {old} = NEW.{new}\n"
            f"        WHERE {self._joined('NEW', 't')} AND {different};\n    END IF;",
            "AFTER INSERT OR UPDATE",
        )

    @property
    def _forth(self) -> RowTrigger:
        """The trigger that updates the new column after the old one was written.

        It fires on UPDATE only: no row can refer to one that has just been inserted. It compares
        values instead of naming the column in UPDATE OF, which a BEFORE trigger's assignment does
        not fire.
        """
        new, old = quote(self.new.name), quote(self.old.name)
        different = differ(f"h.{new}", f"NEW.{old}", exact=is_exact(self.new))
        when = differ(f"NEW.{old}", f"OLD.{old}", exact=is_exact(self.old))
        return self._reaction(
            "forth",
            self.old,
            f"UPDATE {self._here} h SET {new} = NEW.{old}\n"
            f"    WHERE {self._joined('h', 'NEW')} AND {different};",
            "AFTER UPDATE",
            f" WHEN ({when})",
        )

    def _reaction(
        self, role: str, column: Column, body: str, event: str, when: str = ""
    ) -> RowTrigger:
        name = trigger(f"{PREFIX}_{role}", column.table, column.name)
        return RowTrigger(_table(column), name, f"    {body}", event, when)


def _table(column: Column) -> Address:
    return Address("table", column.schema, column.table)


def moved(before: Catalog, after: Catalog, values: Mapping[Address, str]) -> Iterator[MovedColumn]:
    """Yield the moves among columns with given values.

    A new column is moved if its value names a dropped column of a table that its own table refers
    to by a foreign key.
    """
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
    names = _path(expression)
    if len(names) == 2:  # noqa: PLR2004 - table and column
        names = [schema, *names]
    column = before.objects.get(Address("column", *names)) if len(names) == 3 else None  # noqa: PLR2004
    return column if isinstance(column, Column) else None


def _path(expression: str) -> list[str]:
    """Return a bare column name with its qualifiers; nothing for a computation.

    A move cannot invert a computation.
    """
    path = tokens(expression)
    names = [folded_word(text) if kind == "word" else unquote(text) for kind, text, _ in path[::2]]
    joined = len(path) % 2 and all(text == "." for _, text, _ in path[1::2])
    return names if joined and {kind for kind, _, _ in path[::2]} <= {"word", "name"} else []


def _key(new: Column, old: Column, before: Catalog) -> Constraint | None:
    place, there = (new.schema, new.table), Address("table", old.schema, old.table)
    for key in before.of(Constraint):
        refers = key.reference is not None and key.reference.table == there
        if key.type == "f" and (key.schema, key.table) == place and refers:
            return key
    return None
