"""What a stream can show: how wide, with which colours, and whether lines can be drawn anew.

This is the only place that looks at streams, at --color and at the variables for colours.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

import click

from limbeck.cli.invocation import COLOR_VARIABLE, Choice, Invocation


class Screen(NamedTuple):
    """What a stream can show.

    `width` is 0 where lines must not be wrapped, because a program or a file gets them. `colours`
    is 0, 16 or 256. `draws` says whether the cursor can be moved: a terminal that is not dumb.
    """

    width: int
    colours: int
    draws: bool

    @property
    def plain(self) -> bool:
        """Whether the stream gets the same text as a pipe."""
        return not (self.draws or self.colours)


def out() -> Screen:
    """Return what stdout can show."""
    return seen(sys.stdout, os.environ, _choice())


def err() -> Screen:
    """Return what stderr can show."""
    return seen(sys.stderr, os.environ, _choice())


def seen(stream: IO[Any], variables: Mapping[str, str], choice: Choice | None = None) -> Screen:
    """Return what a stream can show.

    Args:
        stream: stdout or stderr.
        variables: The environment: TERM, COLORTERM, NO_COLOR, FORCE_COLOR, LIMBECK_COLOR, COLUMNS.
        choice: The option --color, which takes precedence over the variables.

    """
    draws = stream.isatty() and variables.get("TERM", "dumb") not in {"", "dumb"}
    wanted = choice or variables.get(COLOR_VARIABLE) or "auto"
    if wanted not in {"always", "never"}:
        # https://no-color.org and https://force-color.org: set and not empty, whatever the value.
        never = variables.get("NO_COLOR") or not (draws or variables.get("FORCE_COLOR"))
        wanted = "never" if never else "always"
    colours = _colours(variables) if wanted == "always" else 0
    return Screen(_width(stream, variables) if draws else 0, colours, draws)


def _colours(variables: Mapping[str, str]) -> int:
    rich = "256" in variables.get("TERM", "") or variables.get("COLORTERM")
    return 256 if rich else 16


def _width(stream: IO[Any], variables: Mapping[str, str]) -> int:
    columns = variables.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80


def _choice() -> Choice | None:
    context = click.get_current_context(silent=True)
    invocation = context.obj if context else None
    return invocation.color if isinstance(invocation, Invocation) else None
