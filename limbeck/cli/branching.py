"""Helpers of the branch commands: find the provider, print a branch, ask before a loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.terminal import agreed, answer, ask, interactive, note
from limbeck.errors import NotConfirmedError

if TYPE_CHECKING:
    from datetime import datetime

    from limbeck.branches.base import Branch, BranchProvider
    from limbeck.output.branches import Form


def output_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add -o/--output and --json."""
    function = click.option(
        "--json",
        "output",
        flag_value="versioned",
        help="Print one JSON object with a version; -o json is as Neon's command line prints it.",
    )(function)
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json", "yaml"]),
        default="table",
        show_default=True,
        help="The format of the answer.",
    )(function)


def provider_of(invocation: Invocation, environment: str | None) -> BranchProvider:
    """Return the branch provider of an environment, of the default one without a name."""
    from limbeck.project import places

    project = invocation.project()
    profile = project.profile(environment) if environment else None
    return places.branches(project, profile, Narrator())


def show(branch: Branch, output: Form) -> None:
    """Print one branch."""
    from limbeck.output import branches as reports

    answer(reports.single(branch, output), masked=output != "table")


def end_of(expires_in: str | None) -> datetime | None:
    """Return when a branch with this lifetime expires, in whole seconds, as Neon stores it."""
    from datetime import UTC, datetime

    from limbeck.branches import moment

    if expires_in is None:
        return None
    return (datetime.now(UTC) + moment.parse_span(expires_in)).replace(microsecond=0)


def agree(
    invocation: Invocation, provider: BranchProvider, branch: Branch, verb: str, *, yes: bool
) -> None:
    """Print what the operation would lose and ask; ask nothing when nothing is lost.

    Raises:
        NotConfirmedError: the answer is no, or there is no terminal.

    """
    if yes:
        return
    from limbeck.output import rehearsals
    from limbeck.run import losses

    lost = losses.losses(invocation.project(), provider, branch.name)
    if lost.nothing:
        return
    note(rehearsals.losses_text(lost, verb))
    if not interactive():
        raise NotConfirmedError(
            "there is no terminal to ask on; nothing was done",
            hint="Add --yes if that is intended.",
        )
    sure = ask(f"Type {branch.name} to continue: ") == branch.name if branch.protected else None
    if not (agreed("Continue?") if sure is None else sure):
        raise NotConfirmedError("not confirmed; nothing was done", hint="Answer yes, or add --yes.")


def agree_all(branches: Sequence[Branch], *, yes: bool) -> None:
    """Print the branches that would be deleted and ask.

    Raises:
        NotConfirmedError: the answer is no, or there is no terminal.

    """
    names = ", ".join(branch.name for branch in branches)
    if yes:
        return
    note(f"limbeck deletes these branches with all their data: {names}")
    if not interactive():
        raise NotConfirmedError(
            "there is no terminal to ask on; nothing was done",
            hint="Add --yes if that is intended, or list the branches with --dry-run.",
        )
    if not agreed("Continue?"):
        raise NotConfirmedError("not confirmed; nothing was done", hint="Answer yes, or add --yes.")
