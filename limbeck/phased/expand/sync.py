"""The trigger that keeps old and new columns of one row in step, whichever of them is written."""

from __future__ import annotations

from collections.abc import Sequence

from limbeck.dataclass import dataclass
from limbeck.phased.expand.naming import trigger
from limbeck.phased.expand.row_trigger import RowTrigger
from limbeck.phased.expand.values import differ, of_row
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import quote

# BEFORE triggers of a table fire in the order of their names (Postgres manual, "Overview of
# Trigger Behavior"). This one comes after the user's own, so it sees the values they assign.
PREFIX = "zz_sync"
# The one of a hidden column also comes after that of required_column.py, which may have replaced
# the NULL that the hidden column would copy.
LATE = "zzz_sync"


@dataclass(frozen=True, slots=True)
class Follower:
    """A column and the expression over the other side's columns that gives its value.

    `exact` says that equal values of the column are identical. `default` is the column's default
    if it is steady within a statement, else None. `type` is the column's type if the expression
    has another one.
    """

    column: str
    expression: str
    exact: bool = True
    default: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Sync:
    """Old and new columns of a table that follow each other.

    `forward` are the new columns and `backward` the old ones. Without `backward` no application
    writes the new columns, and they always follow the old ones. With `lenient`, an old value that
    cannot be converted gives NULL instead of an error in the application. `names` are all columns
    of the table, `computed` the generated ones with their expressions, `path` is the search_path of
    the expressions. `hidden` says that the new columns are not those of any application.
    """

    table: Address
    names: tuple[str, ...]
    forward: tuple[Follower, ...]
    backward: tuple[Follower, ...] = ()
    lenient: bool = False
    path: str = "''"
    computed: tuple[tuple[str, str], ...] = ()
    hidden: bool = False

    @property
    def name(self) -> str:
        """The name of the trigger and of its function."""
        prefix = LATE if self.hidden else PREFIX
        return trigger(prefix, self.table.name, self.forward[0].column)

    @property
    def assignments(self) -> dict[str, str]:
        """The expression of each column that a backfill sets."""
        return {follower.column: follower.expression for follower in self.forward}

    def wrong(self, row: str = "") -> str:
        """Return SQL that is true for a row whose sides do not match.

        If both sides can be derived from each other and may lose information, as in a split, a row
        is right as soon as either side follows from the other: the new side 'Ann Mary', 'Lee' is
        right although splitting 'Ann Mary Lee' would give another one.
        """
        sides = [self.forward] if self._same or not self.backward else [self.forward, self.backward]
        texts = [" OR ".join(self._differs(each, row) for each in side) for side in sides]
        several = len(sides) > 1
        return " AND ".join(f"({text})" if several and " OR " in text else text for text in texts)

    @property
    def _same(self) -> bool:
        """Whether each side is one column and a plain copy of the other."""
        new, old = self.forward, self.backward
        return len(new) == len(old) == 1 and (new[0].expression, old[0].expression) == (
            quote(old[0].column),
            quote(new[0].column),
        )

    def _differs(self, follower: Follower, row: str) -> str:
        column = f"{row}.{quote(follower.column)}" if row else quote(follower.column)
        expression = follower.expression
        wanted = self._of_row(row, expression) if row else expression
        compared = _grouped(wanted) + (f"::{follower.type}" if follower.type else "")
        return differ(column, compared, exact=follower.exact)

    def create(self) -> list[Step]:
        """Return the steps that create the function and the trigger."""
        return list(self._trigger.create())

    def drop(self) -> list[Step]:
        """Return the steps that drop both."""
        return list(self._trigger.drop())

    @property
    def _trigger(self) -> RowTrigger:
        # WHEN makes a row that is in step cheap, since Postgres evaluates it without calling
        # PL/pgSQL, and leaves rows alone that a publisher with the same trigger has filled. A
        # one-way trigger has none: a conversion that fails would fail there, outside the
        # function's EXCEPTION block, and stop the application.
        return RowTrigger(
            self.table,
            self.name,
            "\n".join(f"    {line}" if line else "" for line in self._body()),
            when=f"\n    WHEN ({self.wrong('NEW')})" if self.backward else "",
            path=self.path,
        )

    def _body(self) -> list[str]:
        return self._both_ways() if self.backward else self._one_way()

    def _one_way(self) -> list[str]:
        if not self.lenient:
            return self._follow(self.forward)
        emptied = [f"    NEW.{quote(follower.column)} := NULL;" for follower in self.forward]
        followed = [f"    {line}" for line in self._follow(self.forward)]
        return ["BEGIN", *followed, "EXCEPTION WHEN data_exception THEN", *emptied, "END;"]

    def _both_ways(self) -> list[str]:
        """Decide which side the application wrote.

        On UPDATE it is the column that changed. On INSERT it is the one that differs from its
        default, since a trigger cannot see which columns an INSERT names. The new side is tested
        first: if an application wrote different values to both, the new one wins.
        """
        # A default that is not steady (a sequence, gen_random_uuid()) cannot be compared: the copy
        # has none then, and a value that is not NULL was given.
        given = " OR ".join(
            differ(f"NEW.{quote(follower.column)}", follower.default, exact=follower.exact)
            if follower.default
            else f"NEW.{quote(follower.column)} IS DISTINCT FROM NULL"
            for follower in self.forward
        )
        changed = " OR ".join(
            differ(
                f"NEW.{quote(follower.column)}",
                f"OLD.{quote(follower.column)}",
                exact=follower.exact,
            )
            for follower in self.forward
        )
        back = [f"    {line}" for line in self._follow(self.backward)]
        # An INSERT has no OLD row to compare with, so each event has a test of its own.
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
            f"NEW.{quote(follower.column)} := {self._of_row('NEW', follower.expression)};"
            for follower in side
        ]

    def _of_row(self, row: str, expression: str) -> str:
        return of_row(row, expression, self.names, self.computed)


def _grouped(expression: str) -> str:
    simple = all(letter.isalnum() or letter in '_."' for letter in expression)
    return expression if simple else f"({expression})"
