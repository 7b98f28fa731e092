"""The commands `status` and `check`."""

from __future__ import annotations

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, environments, every, no_cache
from limbeck.cli.terminal import answer
from limbeck.errors import CheckFailedError


@command()
@environments
@every
@as_json
@click.pass_context
def status(
    ctx: click.Context,
    invocation: Invocation,
    *,
    names: tuple[str, ...],
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
    profiles = [project.profile(name) for name in names] or project.profiles()
    environments = verb.status(project, profiles, listen=Narrator())
    if as_json:
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

    profiles = [project.profile(name) for name in names]
    findings = verb.check(project, profiles, listen=Narrator())
    if as_json:
        answer(to_json(statuses.check_data(findings)), masked=True)
    else:
        heads = len(History.of(project).heads())
        answer(statuses.check_text(findings, live=bool(profiles), heads=heads), every=every)
    ctx.exit(CheckFailedError.exit_code if any(finding.fails for finding in findings) else 0)
