"""Answers to the questions of `generate`: given in advance, or asked by callbacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from limbeck.dataclass import dataclass

if TYPE_CHECKING:
    from limbeck.schema.diff.retypes import Cast
    from limbeck.schema.renames.likeness import Question
    from limbeck.schema.renames.rename import Rename


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to the questions that a change may raise.

    Args:
        allow_drop: Accept the loss of data.
        ask_loss: Without `allow_drop`, receives the losses in words, and returns how many of them
            are accepted, from the first one: True for one, False or 0 to stop. It is called again
            with those that are left.
        renames: "old:new" for each rename.
        no_rename: There are no other renames.
        ask_rename: Without `no_rename`, receives the question what became of an object that is
            gone, and returns its rename, or None if it is dropped.
        phased: Whether a breaking change becomes an expand and a contract revision; None for the
            project's setting.
        values: The expressions that fill columns of such a change, by column:
            {"public.people.name": "first || ' ' || last"}.
        using: The expressions that compute the values of a column's new type, by column:
            {"public.books.at": "at AT TIME ZONE 'UTC'"}.
        ask_cast: Receives each other change of type that needs a decision, and returns such an
            expression, or None to stop.
        only: Tables and columns; everything else is left as it is, whatever the models say.
        otherwise: What an error says has happened where there is no answer.
        any_body: Also accept functions whose bodies Postgres rejects, as in an adopted database.

    """

    allow_drop: bool = False
    ask_loss: Callable[[Sequence[str]], int] | None = None
    renames: Sequence[str] = ()
    no_rename: bool = False
    ask_rename: Callable[[Question], Rename | None] | None = None
    phased: bool | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    using: Mapping[str, str] = field(default_factory=dict)
    ask_cast: Callable[[Cast], str | None] | None = None
    only: Sequence[str] = ()
    otherwise: str = "nothing was written"
    any_body: bool = False
