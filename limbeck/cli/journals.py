"""The commands `log` and `show`."""

from __future__ import annotations

import sys

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, completed, environments, every, tenant
from limbeck.cli.terminal import answer


@command()
@tenant
@environments
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="NUMBER",
    help="How many entries to show.",
)
@every
@as_json
@click.pass_context
def log(
    ctx: click.Context,
    invocation: Invocation,
    *,
    names: tuple[str, ...],
    limit: int,
    every: bool,
    as_json: bool,
) -> None:
    """Show what was applied where, when, by whom, and how long it took.

    The newest entries come first. The exit code is 1 when an environment could not be reached.
    """
    from limbeck.output import journals as reports
    from limbeck.output.data import to_json
    from limbeck.run import journal as verb

    limit = sys.maxsize if every else limit
    project = invocation.project()
    profiles = [project.profile(name) for name in names] or project.profiles()
    journals = verb.journals(project, profiles, listen=Narrator())
    if as_json:
        answer(to_json(reports.log_data(journals, limit)), masked=True)
    else:
        answer(reports.log_text(journals, limit))
    ctx.exit(1 if any(journal.problem for journal in journals) else 0)


@command()
@click.argument("revision", metavar="REV", shell_complete=completed("revisions"))
@environments
@click.option("--no-lint", is_flag=True, help="Show no hazards; needs no shadow.")
@as_json
def show(
    invocation: Invocation,
    *,
    revision: str,
    names: tuple[str, ...],
    no_lint: bool,
    as_json: bool,
) -> None:
    """Show a revision: its SQL, its hazards, where it is applied.

    REV is an id, the beginning of one, or `head`. Without -e, all environments are asked.
    """
    from limbeck.output import revealing as reports
    from limbeck.output.data import to_json
    from limbeck.run import revealing as verb

    project = invocation.project()
    profiles = [project.profile(name) for name in names] or project.profiles()
    own = profiles[0] if len(names) == 1 else None
    revealed = verb.reveal(
        project, revision, profiles, own=own, lint=not no_lint, listen=Narrator()
    )
    if as_json:
        answer(to_json(reports.revealed_data(revealed)), masked=True)
    else:
        answer(reports.revealed_text(revealed))
