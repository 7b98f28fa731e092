"""What the commands of branches share: where branches are, how one is shown, what is agreed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.terminal import Narrator, agreed, ask, interactive, note
from limbeck.errors import NotConfirmedError

if TYPE_CHECKING:
    from datetime import datetime

    from limbeck.branches.base import Branch, BranchProvider


def output_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add -o/--output."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json", "yaml"]),
        default="table",
        show_default=True,
        help="The format of the answer.",
    )(function)


def provider_of(invocation: Invocation, environment: str | None) -> BranchProvider:
    """The place that the branches are at: an environment's, or the default one's."""
    from limbeck.project import places

    project = invocation.project()
    profile = project.profile(environment) if environment else None
    return places.branches(project, profile, Narrator())


def show(found: Branch, output: str) -> None:
    """Print one branch."""
    from limbeck.output import branches as reports

    click.echo(reports.one(found, output))


def end_of(expires_in: str | None) -> datetime | None:
    """When a branch ends that does so after a while; to the second, as Neon keeps it."""
    from datetime import UTC, datetime

    from limbeck.branches import moment

    if expires_in is None:
        return None
    return (datetime.now(UTC) + moment.parse_span(expires_in)).replace(microsecond=0)


def agree(
    invocation: Invocation, provider: BranchProvider, found: Branch, verb: str, *, yes: bool
) -> None:
    """Say what goes and ask; where nothing goes, nothing is asked."""
    if yes:
        return
    from limbeck.output import rehearsals
    from limbeck.run import losses

    lost = losses.losses(invocation.project(), provider, found.name)
    if lost.nothing:
        return
    note(rehearsals.losses_text(lost, verb))
    if not interactive():
        raise NotConfirmedError(
            "there is no terminal to ask on; nothing was done",
            hint="Add --yes when the above is what you want.",
        )
    sure = ask(f"Type {found.name} to go on: ") == found.name if found.protected else None
    if not (agreed("Go on?") if sure is None else sure):
        raise NotConfirmedError(
            "not confirmed; nothing was done", hint="Answer yes, or give --yes."
        )


def agree_all(found: Sequence[Branch], *, yes: bool) -> None:
    """Say which branches go and ask."""
    names = ", ".join(one.name for one in found)
    if yes:
        return
    note(f"These branches are deleted, with all they hold: {names}")
    if not interactive():
        raise NotConfirmedError(
            "there is no terminal to ask on; nothing was done",
            hint="Add --yes when the above is what you want, or look: --dry-run",
        )
    if not agreed("Go on?"):
        raise NotConfirmedError(
            "not confirmed; nothing was done", hint="Answer yes, or give --yes."
        )
