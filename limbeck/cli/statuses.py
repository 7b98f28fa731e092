"""The commands `status` and `check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, environments, every, no_cache
from limbeck.cli.terminal import answer
from limbeck.errors import CheckFailedError, ConfigurationError

if TYPE_CHECKING:
    from limbeck.project.project import Project


@command()
@environments
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "svg"]),
    default="text",
    show_default=True,
    help="svg is a picture of the phases of changes without downtime.",
)
@every
@as_json
@click.pass_context
def status(
    ctx: click.Context,
    invocation: Invocation,
    *,
    names: tuple[str, ...],
    form: str,
    every: bool,
    as_json: bool,
) -> None:
    """Show every environment: current revision, pending, drift.

    The exit code is 1 when an environment could not be reached.
    """
    from limbeck.output import statuses
    from limbeck.output.data import to_json
    from limbeck.run import environments as verb

    project = invocation.project()
    if names and instead(project, names, "status", as_json=as_json):
        return
    profiles = [project.profile(name) for name in names] or project.profiles()
    if project.tenants is not None:
        from limbeck.cli import tenants

        tenants.status(project, profiles, as_json=as_json)
        return
    environments = verb.status(project, profiles, listen=Narrator())
    if form == "svg" and not as_json:
        from limbeck.output.lanes import svg
        from limbeck.run.lanes import lanes

        answer(svg(lanes(project, profiles, environments, listen=Narrator())))
    elif as_json or form == "json":
        answer(to_json(statuses.status_data(environments)), masked=True)
    else:
        answer(statuses.status_text(environments), every=every)
    ctx.exit(1 if any(environment.problem for environment in environments) else 0)


@command()
@environments
@no_cache
@every
@as_json
@click.pass_context
def check(
    ctx: click.Context,
    invocation: Invocation,
    *,
    names: tuple[str, ...],
    no_cache: bool,
    every: bool,
    as_json: bool,
) -> None:
    """For CI: fail when something is pending, drifted or missing.

    Contract revisions on hold are listed and do not fail the check. Without -e, limbeck checks
    only the history and the models, and needs no live database.
    """
    project = invocation.project(no_cache=no_cache, importing=True)
    from limbeck.history.history import History
    from limbeck.output import statuses
    from limbeck.output.data import to_json
    from limbeck.run import environments as verb

    if names and instead(project, names, "check", as_json=as_json):
        return
    profiles = [project.profile(name) for name in names]
    if project.tenants is None:
        findings = verb.check(project, profiles, listen=Narrator())
    else:
        from limbeck.tenants import standing

        findings = standing.check(project, profiles, listen=Narrator())
    if as_json:
        answer(to_json(statuses.check_data(findings)), masked=True)
    else:
        heads = len(History.of(project).heads())
        answer(statuses.check_text(findings, live=bool(profiles), heads=heads), every=every)
    ctx.exit(CheckFailedError.exit_code if any(finding.fails for finding in findings) else 0)


def instead(project: Project, names: tuple[str, ...], verb: str, *, as_json: bool) -> bool:
    """Run a command of the group `fleet` where the name is that of one; return whether it ran.

    Raises:
        ConfigurationError: A fleet stands among other names.

    """
    from limbeck.project import profile as profiles

    chosen = [name for name in names if profiles.is_fleet(project.profiles_dir, name)]
    if not chosen:
        return False
    if len(names) > 1:
        raise ConfigurationError(
            f"{chosen[0]} is a fleet, and stands among other environments",
            hint="Run the command for the fleet alone.",
        )
    from limbeck.cli import fleets

    context = click.get_current_context()
    context.invoke(fleets.fleet.commands[verb], environment=chosen[0], as_json=as_json)
    return True
