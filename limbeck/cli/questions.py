"""What is asked before a revision is written, and the options that answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from limbeck.cli.terminal import agreed, note
from limbeck.errors import ConfigurationError

if TYPE_CHECKING:
    from limbeck.schema.renames.rename import Rename


def written_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --value COLUMN=EXPRESSION, any number of times."""
    return click.option(
        "--value",
        "values",
        metavar="COLUMN=EXPRESSION",
        multiple=True,
        help="Where a column's values come from, such as 'public.people.name=first || last'.",
    )(function)


def parsed_values(texts: Sequence[str]) -> dict[str, str]:
    """Return the columns that were given values, with their expressions.

    Raises:
        ConfigurationError: one is not of that form.

    """
    found = {}
    for text in texts:
        column, sign, expression = text.partition("=")
        if not (column.strip() and sign and expression.strip()):
            raise ConfigurationError(
                f"--value {text!r} is not COLUMN=EXPRESSION",
                hint="Such as --value 'public.people.name=first || last'.",
            )
        found[column.strip()] = expression.strip()
    return found


def ask_rename(rename: Rename) -> bool:
    """Ask whether a pair is one object."""
    new = rename.after.part or rename.after.name
    return agreed(f"Was {rename.before} renamed to {new}? No drops it and creates {new}.")


def ask_loss(losses: Sequence[str]) -> bool:
    """Ask whether data may be lost."""
    for loss in losses:
        note(f"This loses {loss}")
    return agreed("Write it all the same?")
