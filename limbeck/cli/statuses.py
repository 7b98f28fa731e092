"""status and check: where the environments and the history stand."""

from __future__ import annotations

import click

from limbeck.cli.invocation import Invocation, as_json, command, environments, no_cache
from limbeck.cli.terminal import Narrator
from limbeck.errors import CheckFailedError


@command()
@environments
@as_json
@click.pass_context
def status(
    ctx: click.Context, invocation: Invocation, *, names: tuple[str, ...], as_json: bool
) -> None:
    """Show every environment: current, pending, drift.

    Exit code 1 when one of them could not be asked.
    """
    from limbeck.output import statuses
    from limbeck.output.data import to_json
    from limbeck.run import status as verb

    project = invocation.project()
    profiles = [project.profile(name) for name in names] or project.profiles()
    found = verb.status(project, profiles, listen=Narrator())
    click.echo(to_json(statuses.status_data(found)) if as_json else statuses.status_text(found))
    ctx.exit(1 if any(one.problem for one in found) else 0)


@command()
@environments
@no_cache
@as_json
@click.pass_context
def check(
    ctx: click.Context,
    invocation: Invocation,
    *,
    names: tuple[str, ...],
    no_cache: bool,
    as_json: bool,
) -> None:
    """For CI: fail when something is pending, drifted or missing.

    A contract revision that waits for its time is listed, and is no failure. Without -e only the
    history and the models are looked at, and no live database is needed.
    """
    from limbeck.output import statuses
    from limbeck.output.data import to_json
    from limbeck.run import status as verb

    project = invocation.project(no_cache=no_cache)
    profiles = [project.profile(name) for name in names]
    found = verb.check(project, profiles, listen=Narrator())
    if as_json:
        click.echo(to_json(statuses.check_data(found)))
    else:
        click.echo(statuses.check_text(found, live=bool(profiles)))
    ctx.exit(CheckFailedError.exit_code if any(one.fails for one in found) else 0)
