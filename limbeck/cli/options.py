"""The decorators that make commands, and the options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from limbeck.cli.invocation import (
    CHOICES,
    CONTEXT,
    Choice,
    Invocation,
    remember_color,
    remember_debug,
    remember_directory,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Function = TypeVar("Function", bound=Callable[..., Any])


class Command(click.Command):
    """A command that says where a misplaced argument belongs."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line; an argument too many, or another program's, gets a hint."""
        from limbeck.cli import misplaced

        ctx.allow_extra_args = True  # Click itself would refuse them without a hint
        try:
            extra = super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise misplaced.option(self, error) from None
        if extra and not ctx.resilient_parsing:
            raise misplaced.arguments(self, ctx, extra)
        return extra

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples of the command."""
        from limbeck.cli.examples import EXAMPLES

        _, _, words = ctx.command_path.partition(" ")
        if words in EXAMPLES:
            with formatter.section("Examples"):
                for line, purpose in EXAMPLES[words]:
                    formatter.write(f"{'':{formatter.current_indent}}# {purpose}\n")
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


def _debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    remember_debug(ctx.ensure_object(Invocation), value=value)


def _directory(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    remember_directory(ctx.ensure_object(Invocation), value)


def _color(ctx: click.Context, _: click.Parameter, value: Choice | None) -> None:
    remember_color(ctx.ensure_object(Invocation), value)


def _log(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    ctx.ensure_object(Invocation).log = value


def command(*arguments: Any, **options: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Return a decorator for a Click command that also takes the global options after its name."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        function = _logged(function)
        function = click.option(
            "--debug", is_flag=True, hidden=True, expose_value=False, callback=_debug
        )(function)
        function = click.option(
            "--project",
            type=click.Path(exists=True, file_okay=False),
            hidden=True,
            expose_value=False,
            callback=_directory,
        )(function)
        function = click.option(
            "--color",
            type=click.Choice(CHOICES),
            hidden=True,
            expose_value=False,
            callback=_color,
        )(function)
        function = click.option(
            "--log-json",
            is_flag=False,
            flag_value="-",
            hidden=True,
            expose_value=False,
            callback=_log,
        )(function)
        options.setdefault("context_settings", CONTEXT)
        options.setdefault("cls", Command)
        click_command: click.Command = click.command(*arguments, **options)(
            click.pass_obj(function)
        )
        return click_command

    return decorate


def _logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(invocation: Invocation, *arguments: Any, **options: Any) -> Any:
        from limbeck.cli import logging

        logging.silence_psycopg()
        if invocation.log is None:
            return function(invocation, *arguments, **options)
        words = click.get_current_context().command_path
        with logging.json_lines(invocation.log, words):
            return function(invocation, *arguments, **options)

    return run


def completed(kind: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Return what completes a name in a shell: one of the functions of `completing`."""

    def complete(ctx: click.Context, of: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from limbeck.cli import completing

        complete_: Callable[..., list[CompletionItem]] = getattr(completing, kind)
        return complete_(ctx, of, incomplete)

    return complete


def environment(function: Function) -> Function:
    """Add -e/--env NAME."""
    return click.option(
        "-e",
        "--env",
        "environment",
        metavar="NAME",
        shell_complete=completed("environments"),
        help="The environment, as in env_profiles/NAME.env; the default environment if omitted.",
    )(function)


def tenant(function: Function) -> Function:
    """Add --tenant NAME, for the part of a history that is in one schema."""

    def remember(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
        ctx.ensure_object(Invocation).tenant = value

    return click.option(
        "--tenant",
        metavar="NAME",
        expose_value=False,
        callback=remember,
        help="The schema of one tenant.",
    )(function)


def own_history(function: Function) -> Function:
    """Add -e/--env NAME for commands that need no environment unless it keeps its own history."""
    return click.option(
        "-e",
        "--env",
        "environment",
        metavar="NAME",
        shell_complete=completed("environments"),
        help="An environment that has its own versions folder.",
    )(function)


def environments(function: Function) -> Function:
    """Add the repeatable option -e/--env NAME."""
    return click.option(
        "-e",
        "--env",
        "names",
        metavar="NAME",
        shell_complete=completed("environments"),
        multiple=True,
        help="An environment. Repeatable.",
    )(function)


def renames(function: Function) -> Function:
    """Add the repeatable option --rename OLD:NEW, and --no-rename."""
    function = click.option(
        "--no-rename", is_flag=True, help="Treat nothing as renamed: drop and create."
    )(function)
    return click.option(
        "--rename",
        "renamed",
        metavar="OLD:NEW",
        multiple=True,
        help="OLD was renamed to NEW, such as public.users:public.people. Repeatable.",
    )(function)


def as_json(function: Function) -> Function:
    """Add --json."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object instead of text."
    )(function)


def every(function: Function) -> Function:
    """Add --all."""
    return click.option(
        "--all", "every", is_flag=True, help="Show every line, not only the first of many."
    )(function)


def yes(function: Function) -> Function:
    """Add --yes."""
    return click.option("--yes", is_flag=True, help="Answer yes to every question.")(function)


def no_cache(function: Function) -> Function:
    """Add --no-cache."""
    return click.option(
        "--no-cache", is_flag=True, help="Ignore cached catalogs; see the setting `cache`."
    )(function)
