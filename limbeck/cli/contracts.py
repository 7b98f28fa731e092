"""The commands `contract` and `undo`: end a phased change, or return to before its end."""

from __future__ import annotations

from typing import Any

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.migrations import migrate
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, environment, yes
from limbeck.cli.plans import plan_options
from limbeck.cli.terminal import answer, ask, interactive, note
from limbeck.errors import NotConfirmedError


@command()
@environment
@click.option(
    "--tenant",
    "only",
    metavar="NAME",
    multiple=True,
    help="End the change in this tenant alone. Repeatable.",
)
@click.option(
    "--allow",
    metavar="HAZARD",
    multiple=True,
    help="Run in spite of this hazard, or of still-used. Repeatable.",
)
@plan_options
@yes
@as_json
@click.pass_context
def contract(ctx: click.Context, /, _: Invocation, **options: Any) -> None:
    """Remove the old structure of expanded changes.

    Short for limbeck migrate --contract.
    """
    ctx.invoke(migrate, contract=True, **options)


@command()
@environment
@yes
@as_json
def undo(invocation: Invocation, *, environment: str | None, yes: bool, as_json: bool) -> None:
    """Restore the branch to the state before the last contract.

    The present state is kept as another branch. limbeck asks first.
    """
    from limbeck.output import undoing
    from limbeck.output.data import to_json
    from limbeck.phased import undo as verb
    from limbeck.project import urls

    listen = Narrator()
    project = invocation.project()
    profile = project.profile(environment)
    database = urls.database(project, profile, listen)
    wanted = verb.plan(project, profile, database, listen=listen)
    note(undoing.undo_text(wanted))
    verb.undo(wanted, confirm=lambda _: yes or _agreed(profile.name), listen=listen)
    data = undoing.undo_data(wanted)
    answer(to_json(data) if as_json else undoing.undone_text(wanted), masked=as_json)


def _agreed(name: str) -> bool:
    if not interactive():
        raise NotConfirmedError(
            "there is no terminal to ask on; nothing was done",
            hint="Add --yes if the above is intended.",
        )
    return ask(f"Type {name} to continue: ") == name
