"""What to say about arguments in the wrong place; the commands ask when Click refuses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

import click

from limbeck import shell
from limbeck.cli.invocation import Invocation
from limbeck.errors import LimbeckError


class MisplacedError(click.UsageError):
    """Wrong use of a command, with a hint that shows the right one."""

    def __init__(self, message: str, hint: str, ctx: click.Context | None) -> None:
        super().__init__(message, ctx)
        self.hint = hint

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the usage, the message, and the hint."""
        from limbeck.cli.terminal import say

        super().show(file)
        if file is None:
            say(self.hint, label="Hint:", colour="yellow")


def option(command: click.Command, error: click.NoSuchOption) -> click.UsageError:
    """Return the error for an unknown option, which another program may know."""
    if not any("--" in (parameter.metavar or "") for parameter in command.params):
        return error
    words = error.ctx.command_path if error.ctx else command.name
    line = shell.command(*str(words).split(), "--", error.option_name)
    hint = f"Put the arguments of {command.name} after `--`: {line} ..."
    return MisplacedError(error.format_message(), hint, error.ctx)


def arguments(command: click.Command, ctx: click.Context, extra: Sequence[str]) -> click.UsageError:
    """Return the error for arguments that the command does not take."""
    plural = "s" if len(extra) > 1 else ""
    message = f"Got unexpected extra argument{plural} ({' '.join(extra)})"
    takes_environment = any("-e" in parameter.opts for parameter in command.params)
    name = _environment(ctx, extra[0]) if takes_environment and len(extra) == 1 else None
    if name is None:
        return click.UsageError(message, ctx)
    line = shell.command(*ctx.command_path.split(), "-e", name)
    hint = f"Name the environment with -e: {line}"
    return MisplacedError(message, hint, ctx)


def _environment(ctx: click.Context, name: str) -> str | None:
    try:
        return ctx.ensure_object(Invocation).project().environment_like(name)
    except LimbeckError:
        return None
