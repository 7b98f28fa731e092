"""The command `limbeck`: each subcommand parses options, calls one function, prints one answer."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import click

from limbeck.cli.invocation import (
    CHOICES,
    COLOR_VARIABLE,
    CONTEXT,
    Choice,
    Invocation,
    remember_color,
    remember_debug,
    remember_directory,
)
from limbeck.errors import LimbeckError

if TYPE_CHECKING:
    from limbeck.project.project import Project

# The module of each command, and its line in `limbeck --help`, group by group. Listing them imports
# no module, so help costs little more than Click itself.
GROUPS = {
    "Everyday": {
        "generate": ("schema", "Write the next revision from the models and prove it."),
        "migrate": ("migrations", "Apply pending revisions: show the plan, ask, run."),
        "status": ("statuses", "Show every environment: current revision, pending, drift."),
        "check": ("statuses", "For CI: fail when something is pending, drifted or missing."),
        "rollback": ("migrations", "Downgrade revisions, newest first."),
        "push": ("pushes", "Bring the models to a branch without a revision, to try them out."),
        "log": ("journals", "Show what was applied where, when, by whom, and how long it took."),
        "show": ("journals", "Show a revision: its SQL, its hazards, where it is applied."),
    },
    "Look and review": {
        "lint": ("safety", "Report what revisions lock, rewrite and break before they run."),
        "diff": ("schema", "Show what turns one schema into another."),
        "rehearse": (
            "rehearsals",
            "Run pending revisions on a throw-away branch of an environment.",
        ),
        "erd": ("diagrams", "Draw tables and relations, of two schemas their difference."),
        "preview": ("rehearsals", "Create or delete the branch of a pull request."),
        "report": ("pages", "Write environments, revisions and the schema as one HTML file."),
        "studio": ("pages", "Show environments, revisions and schemas as pages in the browser."),
    },
    "Without downtime": {
        "expand": ("expanding", "Write the expand and contract revisions of one change."),
        "backfill": ("backfills", "Fill in the rows of an expanded change, in batches."),
        "contract": ("contracts", "Remove the old structure of expanded changes."),
        "undo": ("contracts", "Restore the branch to the state before the last contract."),
    },
    "History": {
        "revision": ("histories", "Write a revision for SQL or Python of your own."),
        "merge": ("histories", "Join two heads into one."),
        "squash": ("histories", "Replace several revisions with one."),
        "stamp": ("histories", "Mark a revision as applied, without running anything."),
        "accept": (
            "accepting",
            "Accept the differences between the models and the history as they are.",
        ),
        "baseline": (
            "baselines",
            "Keep the schema that a history starts from, as a database has it.",
        ),
        "repair": ("repairs", "Show half-done revisions, or mark one as done or undone."),
    },
    "Databases": {
        "pull": ("pulls", "Write models from a live database."),
        "tenants": ("tenants", "List and create tenants: schemas that hold the same tables."),
        "branches": ("branches", "List, create, reset, delete database branches."),
        "url": ("servers", "Print the URL of an environment, password included."),
        "psql": ("servers", "Open psql on an environment."),
        "fleet": ("fleets", "Migrate many databases with one history, in waves."),
    },
    "Set-up": {
        "init": ("initializing", "Set limbeck up in a project, new or existing."),
        "doctor": ("doctors", "Check the set-up of each environment, and name what mends it."),
        "local": ("servers", "Start, stop or inspect the embedded Postgres."),
        "completion": (
            "completions",
            "Print the completion script of a shell: commands, environments, revisions, branches.",
        ),
    },
}

COMMANDS = {name: entry for group in GROUPS.values() for name, entry in group.items()}


class LazyGroup(click.Group):
    """A group that imports a command when it runs, not when it is listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of everyday use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and return the command, or None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"limbeck.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called; suggest one where the name is misspelled.

        Click would suggest only commands that are imported already.
        """
        name = args[0]
        unknown = self.get_command(ctx, name) is None
        if unknown and not name.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, n=1)
            ctx.fail(f"No such command {name!r}." + "".join(f" Did you mean {n!r}?" for n in near))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the groups of commands from the table, without importing any of them."""
        width = max(map(len, COMMANDS))
        for title, commands in GROUPS.items():
            with formatter.section(title):
                rows = [(name.ljust(width), line) for name, (_, line) in commands.items()]
                formatter.write_dl(rows)


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from importlib.metadata import version

    click.echo(f"limbeck {version('limbeck')}")
    ctx.exit()


@click.group(cls=LazyGroup, context_settings=CONTEXT)
@click.option("--debug", is_flag=True, help="Show tracebacks of errors.")
@click.option(
    "--project",
    "directory",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Work in this project instead of the one around the current directory.",
)
@click.option(
    "--color",
    type=click.Choice(CHOICES),
    help=f"When to use colours; ${COLOR_VARIABLE}, otherwise auto, if omitted.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
@click.pass_context
def group(ctx: click.Context, *, debug: bool, directory: str | None, color: Choice | None) -> None:
    """Carry schema changes from your models to a development branch to production.

    The everyday round: edit the models, `limbeck generate`, `limbeck migrate -e development`,
    `limbeck status`, `limbeck migrate -e production`.
    """
    invocation = ctx.ensure_object(Invocation)
    remember_debug(invocation, value=debug)
    remember_directory(invocation, directory)
    remember_color(invocation, color)


def main(arguments: Sequence[str] | None = None, project: Project | None = None) -> NoReturn:
    """Run one command and exit: 0 ok, 1 failed, 2 usage, 3 a check failed, 4 not confirmed.

    Args:
        arguments: The words after `limbeck`; those of the program if omitted.
        project: That of the directory, if the caller has found it.

    """
    # Almost everything that a command allocates lives until it ends: of 50,000 objects a collection
    # frees some 500, and takes 20 ms.
    gc.set_threshold(500_000)
    invocation = Invocation(nearest=project)
    # What is said about errors has the options of the command, too.
    with click.Context(group, info_name="limbeck", obj=invocation).scope(cleanup=False):
        code = _exit_code(arguments, invocation)
        if invocation.progress is not None:
            invocation.progress.close()
    sys.exit(code)


def _exit_code(arguments: Sequence[str] | None, invocation: Invocation) -> int:
    try:
        code = group.main(arguments, prog_name="limbeck", standalone_mode=False, obj=invocation)
    except click.ClickException as error:
        _wrong_use(error)
        return error.exit_code
    except click.Abort as abort:
        return _interrupted(abort.__cause__)
    except LimbeckError as error:
        return _failed(error, invocation)
    except Exception as error:  # noqa: BLE001 - never a traceback without --debug
        return _unexpected(error, invocation)
    return code if isinstance(code, int) else 0


def run(project: Project | None = None) -> NoReturn:
    """Run one command and end the process without tearing the interpreter down.

    Freeing what SQLAlchemy and Alembic have built takes longer than many commands run, and nothing
    is left to clean up: connections and files are closed where they were opened.

    Args:
        project: As that of `main`.

    """
    from limbeck.cli import unneeded

    unneeded.leave_out()
    try:
        main(project=project)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except OSError:  # the reader has closed the pipe, as in `limbeck diff | head`
        code = code or 1
    os._exit(code)


def _say(label: str, text: str, colour: str) -> None:
    from limbeck.cli.terminal import end_progress, say

    end_progress(silently=True)
    say(text, label=label, colour=colour)


def _wrong_use(error: click.ClickException) -> None:
    """Print Click's usage and message; the message may repeat an argument, such as a URL."""
    import io

    from limbeck.cli.misplaced import MisplacedError
    from limbeck.cli.terminal import say

    text = io.StringIO()
    error.show(text)
    say(text.getvalue(), end="")
    if isinstance(error, MisplacedError):
        _say("Hint:", error.hint, "yellow")


def _failed(error: LimbeckError, invocation: Invocation) -> int:
    _traceback(debug=invocation.debug)
    if invocation.log_to_stderr:
        return error.exit_code  # the last line of the log holds the error
    _say("Error:", error.message, "red")
    if error.hint:
        _say("Hint:", invocation.addressed(error.hint), "yellow")
    return error.exit_code


def _unexpected(error: Exception, invocation: Invocation) -> int:
    _traceback(debug=invocation.debug)
    if invocation.log_to_stderr:
        return 1
    text = " ".join(str(error).split()) or "no message"
    _say("Error:", f"unexpected {type(error).__name__}: {text}", "red")
    if not invocation.debug:
        _say(
            "Hint:",
            "This is a bug in limbeck. Run the command again with --debug to see where.",
            "yellow",
        )
    return 1


def _interrupted(cause: BaseException | None) -> int:
    from limbeck.cli.terminal import say

    detail = f"; {cause}" if cause and str(cause) else ""
    say(f"Interrupted{detail}.")
    return 130


def _traceback(*, debug: bool) -> None:
    if debug:
        import traceback

        from limbeck.cli.terminal import say

        # Masked as a whole: it shows the lines of revisions, and what the driver has to say.
        say(traceback.format_exc(), end="")
