"""The trigger that keeps old and new columns of a row in step, whichever of them is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limbeck.phased.expand.naming import trigger
from limbeck.phased.expand.values import differ, of_row
from limbeck.schema.catalog.names import of, qualified, quote
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.operations import CreateFunction, Execute
from limbeck.schema.diff.steps import Step

# Triggers of one kind fire in the order of their names: this one comes after the user's own.
PREFIX = "zz_sync"


@dataclass(frozen=True, slots=True)
class Follower:
    """One column and the expression over the other side's columns that it follows.

    `default` is its own default where that is steady, else None; `type` its type where the
    expression is of another one.
    """

    column: str
    expression: str
    exact: bool = True
    default: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Sync:
    """Columns of a table in step: `forward` says what new ones follow, `backward` what old ones.

    Without `backward` the new columns are nobody's to write: they always follow. Where `lenient`,
    a value that has no counterpart gives NULL there and stops no writer. `names` are all of the
    table's columns, `path` is where names in the expressions are looked up.
    """

    table: Address
    names: tuple[str, ...]
    forward: tuple[Follower, ...]
    backward: tuple[Follower, ...] = ()
    lenient: bool = False
    path: str = "''"

    @property
    def name(self) -> str:
        """The name of the trigger and of its function."""
        return trigger(PREFIX, self.table.name, self.forward[0].column)

    @property
    def assignments(self) -> dict[str, str]:
        """What a backfill sets."""
        return {quote(one.column): one.expression for one in self.forward}

    def wrong(self, row: str = "") -> str:
        """Spell that the new columns of a row are not what they should be, and the old neither.

        Where both sides have values that the other one cannot hold, either may be the finer one.
        """
        ways = [self.forward] if self._same or not self.backward else [self.forward, self.backward]
        texts = [" OR ".join(self._differs(one, row) for one in side) for side in ways]
        several = len(ways) > 1
        return " AND ".join(f"({text})" if several and " OR " in text else text for text in texts)

    @property
    def _same(self) -> bool:
        """Whether both sides are one column each, and hold the same values."""
        one, other = self.forward, self.backward
        return len(one) == len(other) == 1 and (one[0].expression, other[0].expression) == (
            quote(other[0].column),
            quote(one[0].column),
        )

    def _differs(self, one: Follower, row: str) -> str:
        column = f"{row}.{quote(one.column)}" if row else quote(one.column)
        wanted = of_row(row, one.expression, self.names) if row else one.expression
        compared = _grouped(wanted) + (f"::{one.type}" if one.type else "")
        return differ(column, compared, exact=one.exact)

    def create(self) -> list[Step]:
        """Create the function and the trigger, which fires for replicated rows, too."""
        table, name = of(self.table), quote(self.name)
        function = qualified(self.table.schema, self.name)
        at_trigger = Address("trigger", self.table.schema, self.table.name, self.name)
        at = Address("function", self.table.schema, f"{self.name}()")
        when = f"\n    WHEN ({self.wrong('NEW')})" if self.backward else ""
        fired = (
            f"CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table}\n    FOR EACH ROW{when}\n"
            f"    EXECUTE FUNCTION {function}()"
        )
        enabled = f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"
        return [
            Step(CreateFunction(self._function(function), "create", at)),
            Step(Execute(fired, "create", at_trigger)),
            Step(Execute(enabled, "alter", at_trigger)),
        ]

    def drop(self) -> list[Step]:
        """Drop both again."""
        table, name = of(self.table), quote(self.name)
        function = qualified(self.table.schema, self.name)
        at_trigger = Address("trigger", self.table.schema, self.table.name, self.name)
        at = Address("function", self.table.schema, f"{self.name}()")
        return [
            Step(Execute(f"DROP TRIGGER {name} ON {table}", "drop", at_trigger)),
            Step(Execute(f"DROP FUNCTION {function}()", "drop", at)),
        ]

    def _function(self, name: str) -> str:
        body = self._both_ways() if self.backward else self._one_way()
        lines = "\n".join(f"    {line}" if line else "" for line in body)
        return (
            f"CREATE FUNCTION {name}() RETURNS trigger\n"
            f"LANGUAGE plpgsql SET search_path = {self.path} AS $$\n"
            f"BEGIN\n{lines}\n    RETURN NEW;\nEND\n$$"
        )

    def _one_way(self) -> list[str]:
        if not self.lenient:
            return self._follow(self.forward)
        emptied = [f"    NEW.{quote(one.column)} := NULL;" for one in self.forward]
        followed = [f"    {line}" for line in self._follow(self.forward)]
        return ["BEGIN", *followed, "EXCEPTION WHEN data_exception THEN", *emptied, "END;"]

    def _both_ways(self) -> list[str]:
        """Decide who was written: what is not as it was, or at an INSERT not as by default."""
        given = " OR ".join(
            differ(f"NEW.{quote(one.column)}", one.default, exact=one.exact)
            if one.default
            else f"NEW.{quote(one.column)} IS DISTINCT FROM NULL"
            for one in self.forward
        )
        changed = " OR ".join(
            differ(f"NEW.{quote(one.column)}", f"OLD.{quote(one.column)}", exact=one.exact)
            for one in self.forward
        )
        back = [f"    {line}" for line in self._follow(self.backward)]
        return [
            f"IF TG_OP = 'INSERT' AND ({given}) THEN",
            *back,
            f"ELSIF TG_OP = 'UPDATE' AND ({changed}) THEN",
            *back,
            "ELSE",
            *(f"    {line}" for line in self._follow(self.forward)),
            "END IF;",
        ]

    def _follow(self, side: Sequence[Follower]) -> list[str]:
        return [
            f"NEW.{quote(one.column)} := {of_row('NEW', one.expression, self.names)};"
            for one in side
        ]


def _grouped(expression: str) -> str:
    simple = all(letter.isalnum() or letter in '_."' for letter in expression)
    return expression if simple else f"({expression})"
