"""The commands `local`, `url` and `psql`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from limbeck.cli.invocation import CONTEXT, Invocation, project_for
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, environment
from limbeck.cli.terminal import answer, answer_exactly

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.postgres.embedded.server import Server


@click.group(context_settings=CONTEXT)
def local() -> None:
    """Start, stop or inspect the embedded Postgres."""


@command()
def start(invocation: Invocation) -> None:
    """Start the embedded Postgres unless it is running."""
    from limbeck.project import servers

    server = servers.local(invocation.project())
    server.start(Narrator())
    _show([server], as_json=False)


@command()
def stop(invocation: Invocation) -> None:
    """Stop the embedded Postgres; its branches stay on disk.

    Outside of a project, the servers that commands outside of projects have left running.
    """
    from limbeck.project import servers

    project = project_for(invocation)
    stopped = servers.stop(project.home if project else servers.outside())
    answer("Stopped." if stopped else "It was not running.")


@command("status")
@as_json
def local_status(invocation: Invocation, *, as_json: bool) -> None:
    """Show whether the embedded Postgres is running, and where."""
    from limbeck.project import servers

    project = project_for(invocation)
    home = project.home if project else servers.outside()
    usual = servers.local(project) if project else servers.at(home, None)
    others = (each for each in servers.every(home) if each.home != usual.home)
    _show([usual, *others], as_json=as_json)


for _command in (start, stop, local_status):
    local.add_command(_command)


@command()
@environment
@click.option("--pooled", is_flag=True, help="Print the application's URL, through the pooler.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["url", "dotenv", "json"]),
    default="url",
    show_default=True,
    help="dotenv and json print both URLs, under the names that Neon's tools use.",
)
@as_json
def url(
    invocation: Invocation, *, environment: str | None, pooled: bool, form: str, as_json: bool
) -> None:
    """Print the URL of an environment, password included."""
    from limbeck.output import urls
    from limbeck.project import application

    form = "versioned" if as_json else form
    if form == "url" and not pooled:
        answer_exactly(_database(invocation, environment).url)
        return
    project = invocation.project()
    addresses = application.urls(project, project.profile(environment), Narrator())
    answer_exactly(addresses.pooled if form == "url" else urls.both(addresses, form))


@command()
@environment
@click.argument("arguments", metavar="[-- ARGS]", nargs=-1)
def psql(invocation: Invocation, *, environment: str | None, arguments: tuple[str, ...]) -> None:
    """Open psql on an environment.

    Arguments after `--` are passed to psql.
    """
    from psycopg.conninfo import make_conninfo

    from limbeck.postgres import tls
    from limbeck.postgres.embedded import binaries

    database = _database(invocation, environment)
    parameters = database.parameters | tls.root(database.parameters)
    # The password goes into the environment: `ps` shows arguments to every user.
    password = parameters.pop("password", None)
    own = {"PGPASSWORD": password} if password else {}
    variables = {**os.environ, **own, **tls.variables(parameters)}
    program = shutil.which("psql") or binaries.find().program("psql")
    os.execve(program, [program, make_conninfo(**parameters), *arguments], variables)  # noqa: S606 - psql takes the place of this process, signals included


def _database(invocation: Invocation, name: str | None) -> Database:
    from limbeck.project import urls

    project = invocation.project()
    return urls.database(project, project.profile(name), Narrator())


def _show(servers: Sequence[Server], *, as_json: bool) -> None:
    from limbeck.output import servers as output

    usual, *others = [server.status() for server in servers]
    answer(output.status(usual, others, as_json=as_json), masked=as_json)
