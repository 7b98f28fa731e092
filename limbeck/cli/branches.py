"""branches, local, url and psql: the databases themselves."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import click

from limbeck.cli.invocation import CONTEXT, Invocation, as_json, command, environment
from limbeck.cli.terminal import Narrator, note

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from limbeck.branches.base import BranchProvider
    from limbeck.branches.embedded import Server
    from limbeck.database import Database


@click.group(context_settings=CONTEXT)
def branches() -> None:
    """List, create, reset, delete database branches.

    The words and the output formats are those of Neon's own command line.
    """


@click.group(context_settings=CONTEXT)
def local() -> None:
    """Start, stop or look at the embedded Postgres."""


def _output(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json", "yaml"]),
        default="table",
        show_default=True,
        help="The format of the answer.",
    )(function)


@command("list")
@_output
def list_(invocation: Invocation, *, output: str) -> None:
    """List the branches."""
    from limbeck.reports import branches as reports

    click.echo(reports.several(_provider(invocation).all(), output))


@command()
@click.argument("name")
@_output
def get(invocation: Invocation, *, name: str, output: str) -> None:
    """Show one branch."""
    from limbeck.reports import branches as reports

    click.echo(reports.one(_provider(invocation).get(name), output))


@command()
@click.argument("name", required=False)
@click.option("--name", "named", metavar="NAME", help="The name, as Neon's command line takes it.")
@click.option(
    "--parent", metavar="BRANCH", help="The branch to copy; without it, the default branch."
)
@_output
def create(
    invocation: Invocation, *, name: str | None, named: str | None, parent: str | None, output: str
) -> None:
    """Create a branch, a copy of its parent."""
    from limbeck.reports import branches as reports

    chosen = name or named
    if chosen is None or (name and named and name != named):
        raise click.UsageError("Give the branch one name.")
    provider = _provider(invocation)
    default = next((branch.name for branch in provider.all() if branch.default), None)
    click.echo(reports.one(provider.create(chosen, parent or default), output))


@command()
@click.argument("name")
@click.option(
    "--parent",
    is_flag=False,
    flag_value="^parent",
    metavar="[BRANCH]",
    help="Reset to the parent; the name, when given, must be the parent's.",
)
@_output
def reset(invocation: Invocation, *, name: str, parent: str | None, output: str) -> None:
    """Make a branch a fresh copy of its parent; its URL stays."""
    from limbeck.reports import branches as reports

    if parent is None:
        raise click.UsageError("Say where to: only a reset to the parent is there, --parent.")
    click.echo(
        reports.one(
            _provider(invocation).reset(name, None if parent == "^parent" else parent), output
        )
    )


@command()
@click.argument("name")
@_output
def delete(invocation: Invocation, *, name: str, output: str) -> None:
    """Delete a branch."""
    from limbeck.reports import branches as reports

    provider = _provider(invocation)
    found = provider.get(name)
    provider.delete(name)
    note(f"Deleted branch {name}")
    click.echo(reports.one(found, output))


@command()
@_output
@click.argument("base")
@click.argument("compare")
def diff(invocation: Invocation, *, base: str, compare: str, output: str) -> None:
    """Show what makes the schema of branch COMPARE out of BASE's."""
    from limbeck import diff as differ
    from limbeck.database import Database
    from limbeck.reports import branches as reports
    from limbeck.sources import Live

    provider = _provider(invocation)
    before, after = (
        Live(Database.from_url(name, provider.url(name)), listen=Narrator()).catalog()
        for name in (base, compare)
    )
    script = differ.script(differ.steps(before, after))
    click.echo(reports.difference(base, compare, script, output), nl=False)


for _made in (list_, get, create, reset, delete, diff):
    branches.add_command(_made)


@command()
def start(invocation: Invocation) -> None:
    """Start the embedded Postgres, unless it runs."""
    server = _server(invocation)
    server.start(Narrator())
    _show(server, as_json=False)


@command()
def stop(invocation: Invocation) -> None:
    """Stop the embedded Postgres; its branches stay on disk."""
    stopped = _server(invocation).stop()
    click.echo("Stopped." if stopped else "It was not running.")


@command("status")
@as_json
def local_status(invocation: Invocation, *, as_json: bool) -> None:
    """Tell whether the embedded Postgres runs, and where."""
    _show(_server(invocation), as_json=as_json)


for _made in (start, stop, local_status):
    local.add_command(_made)


@command()
@environment
def url(invocation: Invocation, *, environment: str | None) -> None:
    """Print the URL of an environment, password included."""
    click.echo(_database(invocation, environment).url)


@command()
@environment
@click.argument("arguments", metavar="[-- ARGS]", nargs=-1)
def psql(invocation: Invocation, *, environment: str | None, arguments: tuple[str, ...]) -> None:
    """Open psql on an environment.

    What follows `--` is handed to psql.
    """
    from psycopg.conninfo import make_conninfo

    from limbeck.branches import binaries

    database = _database(invocation, environment)
    parameters = dict(database.parameters)
    # In the environment and not among the arguments, which `ps` shows to everybody.
    password = parameters.pop("password", None)
    variables = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    program = shutil.which("psql") or binaries.find().program("psql")
    os.execve(program, [program, make_conninfo(**parameters), *arguments], variables)  # noqa: S606 - psql takes the place of this process, signals included


def _database(invocation: Invocation, name: str | None) -> Database:
    from limbeck import settings

    project = invocation.project()
    return settings.database(project, project.profile(name), Narrator())


def _server(invocation: Invocation) -> Server:
    from limbeck.branches.embedded import Server

    return Server(invocation.project().home)


def _provider(invocation: Invocation) -> BranchProvider:
    from limbeck import settings

    return settings.local_branches(invocation.project(), Narrator())


def _show(server: Server, *, as_json: bool) -> None:
    from limbeck.reports import servers

    click.echo(servers.status(server.status(), as_json=as_json))
