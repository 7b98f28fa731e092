"""init, generate, pull and diff: from models to schema and back."""

from __future__ import annotations

from pathlib import Path

import click

from limbeck.cli.invocation import Invocation, command, yes
from limbeck.cli.terminal import agreed, interactive, note
from limbeck.errors import NotConfirmedError


@command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(file_okay=False))
@click.option("--models", metavar="MODULE:NAME", help="Where the metadata is.")
@yes
def init(invocation: Invocation, *, folder: str | None, models: str | None, yes: bool) -> None:
    """Set limbeck up in a project, new or existing.

    Shows every file first and asks. A file that is there already is kept as it is; a history
    (alembic.ini and its versions) is adopted.
    """
    from limbeck import scaffold
    from limbeck.reports import scaffolds

    root = Path(folder or invocation.directory or ".").resolve()
    plan = scaffold.plan(root, models=models)
    click.echo(scaffolds.plan(plan))
    if not plan.changes:
        note("Nothing to do: every file is there.")
        return
    _confirm(f"Write {len(plan.changes)} files?", yes=yes)
    scaffold.write(plan)
    click.echo(scaffolds.next_steps(plan))


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not interactive():
        raise NotConfirmedError(
            "there is no terminal to ask on; nothing was changed",
            hint="Add --yes when the plan above is what you want.",
        )
    if not agreed(question):
        raise NotConfirmedError("not confirmed; nothing was changed")
