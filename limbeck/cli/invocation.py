"""What every command is told besides its own arguments, and the options they share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from limbeck.project.project import Project

Function = TypeVar("Function", bound=Callable[..., Any])

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@dataclass(slots=True)
class Invocation:
    """The options that may stand before or after the command's name."""

    debug: bool = False
    directory: str | None = None
    log: str | None = None

    @property
    def log_to_stderr(self) -> bool:
        """Whether stderr is for the lines of --log-json, and for nothing else."""
        return self.log == "-"

    def project(self, *, no_cache: bool = False) -> Project:
        """Return the project around the directory; ConfigurationError when there is none."""
        from dataclasses import replace
        from pathlib import Path

        from limbeck.project.project import Project

        found = Project.find(Path(self.directory) if self.directory else None)
        return replace(found, cache=False) if no_cache else found


def project_for(invocation: Invocation, *sources: str, needed: bool = False) -> Project | None:
    """Return the project; None where there is none and the sources are all URLs."""
    from limbeck.errors import ConfigurationError

    try:
        return invocation.project()
    except ConfigurationError:
        if not needed and all("://" in source for source in sources):
            return None
        raise


def remember_debug(invocation: Invocation, *, value: bool) -> None:
    """Keep --debug, wherever it stood."""
    invocation.debug = invocation.debug or value


def remember_directory(invocation: Invocation, value: str | None) -> None:
    """Keep --project, wherever it stood; the one after the command's name wins."""
    invocation.directory = value or invocation.directory


def _debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    remember_debug(ctx.ensure_object(Invocation), value=value)


def _directory(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    remember_directory(ctx.ensure_object(Invocation), value)


def _log(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    ctx.ensure_object(Invocation).log = value


def command(*arguments: Any, **options: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a Click command that also takes the global options after its name."""

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
            "--log-json",
            is_flag=False,
            flag_value="-",
            hidden=True,
            expose_value=False,
            callback=_log,
        )(function)
        options.setdefault("context_settings", CONTEXT)
        made: click.Command = click.command(*arguments, **options)(click.pass_obj(function))
        return made

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


def environment(function: Function) -> Function:
    """Add -e/--env NAME."""
    return click.option(
        "-e",
        "--env",
        "environment",
        metavar="NAME",
        help="The environment, a file env_profiles/NAME.env; without it the default one.",
    )(function)


def own_history(function: Function) -> Function:
    """Add -e/--env NAME where it chooses a history, and none is the common one."""
    return click.option(
        "-e",
        "--env",
        "environment",
        metavar="NAME",
        help="An environment with a versions folder of its own.",
    )(function)


def environments(function: Function) -> Function:
    """Add -e/--env NAME, any number of times."""
    return click.option(
        "-e",
        "--env",
        "names",
        metavar="NAME",
        multiple=True,
        help="An environment; may be given many times.",
    )(function)


def renames(function: Function) -> Function:
    """Add --rename OLD:NEW, any number of times, and --no-rename."""
    function = click.option(
        "--no-rename", is_flag=True, help="Nothing was renamed: drop and create."
    )(function)
    return click.option(
        "--rename",
        "renamed",
        metavar="OLD:NEW",
        multiple=True,
        help="These are one object, renamed, such as public.users:public.people.",
    )(function)


def as_json(function: Function) -> Function:
    """Add --json."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object instead of text."
    )(function)


def yes(function: Function) -> Function:
    """Add --yes."""
    return click.option("--yes", is_flag=True, help="Answer every question with yes.")(function)


def no_cache(function: Function) -> Function:
    """Add --no-cache."""
    return click.option(
        "--no-cache", is_flag=True, help="Make the catalogs anew; see `cache` in the settings."
    )(function)
