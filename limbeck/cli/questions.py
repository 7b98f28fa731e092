"""The questions that `generate` and `expand` ask, and the options that answer them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from limbeck.cli.terminal import ask, note
from limbeck.errors import ConfigurationError
from limbeck.plurals import counted
from limbeck.schema.sql.quoting import split

if TYPE_CHECKING:
    from limbeck.project.profile import Profile
    from limbeck.project.project import Project
    from limbeck.schema.diff.retypes import Cast
    from limbeck.schema.renames.likeness import Question
    from limbeck.schema.renames.rename import Rename

FEW: Final = 6
"""Losses that are listed in a question about the first of them."""


def written_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the repeatable option --value COLUMN=EXPRESSION."""
    return click.option(
        "--value",
        "values",
        metavar="COLUMN=EXPRESSION",
        multiple=True,
        help="How to compute a column's values: 'public.people.name=first || last'. Repeatable.",
    )(function)


def conversions(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the repeatable option --using COLUMN=EXPRESSION."""
    return click.option(
        "--using",
        metavar="COLUMN=EXPRESSION",
        multiple=True,
        help="How to convert a column's values: 'public.books.n=n::text::uuid'. Repeatable.",
    )(function)


def parsed_values(texts: Sequence[str], option: str = "--value") -> dict[str, str]:
    """Return the expression of each column that --value or --using names.

    Raises:
        ConfigurationError: an option is not COLUMN=EXPRESSION.

    """
    values = {}
    for text in texts:
        column = split(text, "=")[0]  # a quoted name may have the sign in it
        sign, expression = text[len(column) :][:1], text[len(column) + 1 :]
        if not (column.strip() and sign and expression.strip()):
            raise ConfigurationError(
                f"{option} {text!r} is not COLUMN=EXPRESSION",
                hint=f"{option} 'public.people.name=first || last'",
            )
        values[column.strip()] = expression.strip()
    return values


def asking_renames(
    project: Project, profile: Profile | None
) -> Callable[[Question], Rename | None]:
    """Return a function that asks what became of an object, with values that it has somewhere.

    Args:
        project: The project.
        profile: The environment whose values are shown; by default that of development.

    """
    from limbeck.generate.samples import Samples

    samples = Samples(project, profile)

    def ask_rename(question: Question) -> Rename | None:
        from limbeck.cli.choosing import choose

        text = f"{question.before} is gone. What became of it?"
        if values := samples.of(question.before):
            text += f"\n  Its values: {', '.join(values)}"
        options = [_renamed(each.rename) for each in question.candidates]
        chosen = choose(text, [*options, "it is dropped"], 0 if question.clear else None)
        return question.candidates[chosen].rename if chosen < len(options) else None

    return ask_rename


def _renamed(rename: Rename) -> str:
    old, new = rename.before, rename.after
    name = new.part or (new.name if new.schema == old.schema else f"{new.schema}.{new.name}")
    return f"it is renamed to {name}"


def ask_loss(losses: Sequence[str], otherwise: str = "write nothing") -> int:
    """Ask about the first loss; return how many are accepted: it alone, all, or none to stop."""
    from limbeck.cli.choosing import choose

    text = f"This loses {losses[0]}."
    options = ["lose it", f"stop, and {otherwise}"]
    if len(losses) > 1:
        text += "".join(f"\n  Then: {loss}" for loss in losses[1:FEW])
        text += f"\n  ... and {len(losses) - FEW} more" if len(losses) > FEW else ""
        options.append(f"lose this and the {counted(len(losses) - 1, 'other')}")
    return (1, 0, len(losses))[choose(text, options)]


def ask_cast(cast: Cast) -> str | None:
    """Ask for the expression that computes the values of a column's new type."""
    note(f"{cast}.")
    if cast.usual is None:
        return ask("Expression for the new values (empty: stop): ") or None
    return ask(f"Expression for the new values [{cast.usual}]: ") or cast.usual
