"""The steps of a migration: its statements in order, and how each of them has to run."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.operations import Operation
from limbeck.schema.sql.lexer import identifiers
from limbeck.schema.sql.quoting import literal, quote


@dataclass(frozen=True, slots=True)
class Unit:
    """Why consecutive steps must share a transaction; they all have the same value.

    `reasons` are sentences for readers of a revision. `joint` units wait for the contract of a
    phased change as a whole if one of their steps does.
    """

    reasons: tuple[str, ...]
    joint: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a migration.

    Attributes:
        operation: what the statement does.
        outside: whether it must not share a transaction with the steps after it (ALTER TYPE ...
            ADD VALUE whose label is used later, CREATE INDEX CONCURRENTLY).
        begins: whether it begins another transaction than the step before it.
        loses: in words, which data are lost; None where none are.
        note: a warning for readers, such as that a cast can fail.
        unit: the unit that the step belongs to: no commit comes between its steps.

    """

    operation: Operation
    outside: bool = False
    begins: bool = False
    loses: str | None = None
    note: str | None = None
    unit: Unit | None = None

    @property
    def sql(self) -> str:
        """The statement, without a semicolon."""
        return self.operation.sql

    @property
    def verb(self) -> str:
        """What happens to the object: create, alter, drop or rename."""
        return self.operation.verb

    @property
    def address(self) -> Address:
        """The object that the statement is about."""
        return self.operation.address

    def names(self, names: AbstractSet[str]) -> bool:
        """Return whether the statement contains one of these names, be it in a function's body."""
        text = self.operation.sql
        # Lexing is slow beside a search, and most statements contain none of them.
        return any(quote(name) in text for name in names) and not names.isdisjoint(
            identifiers(text)
        )

    def in_unit(self, unit: Unit) -> Step:
        """Return the step as a part of a unit."""
        return replace(self, unit=unit)

    def has_string(self, string: str) -> bool:
        """Return whether the statement contains a string, such as the label of an enum."""
        return literal(string) in self.operation.sql
