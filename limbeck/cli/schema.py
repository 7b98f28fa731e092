"""init, generate, pull and diff: from models to schema and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from limbeck.cli.invocation import (
    Invocation,
    as_json,
    command,
    environment,
    renames,
    yes,
)
from limbeck.cli.terminal import Narrator, agreed, interactive, note
from limbeck.errors import ConfigurationError, NotConfirmedError

if TYPE_CHECKING:
    from limbeck.catalog.catalog import Catalog
    from limbeck.renames import Rename
    from limbeck.settings import Project


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


@command()
@click.option(
    "-m", "--message", metavar="TEXT", help="What it does; without it, a name is made from it."
)
@environment
@click.option("--allow-drop", is_flag=True, help="Allow what loses data, without being asked.")
@as_json
def generate(
    invocation: Invocation,
    *,
    message: str | None,
    environment: str | None,
    allow_drop: bool,
    as_json: bool,
) -> None:
    """Write the next revision from the models, and prove it.

    The models are compared with the recorded history, which is replayed on a shadow; no live
    database is needed. -e is for an environment with a versions folder of its own.
    """
    from limbeck import generate as verb
    from limbeck.reports import revisions
    from limbeck.reports.data import to_json

    project = invocation.project()
    profile = project.profile(environment) if environment else None
    answers = verb.Answers(allow_drop=allow_drop, ask_loss=_ask_loss if interactive() else None)
    made = verb.revision(project, profile, message=message, answers=answers, listen=Narrator())
    json, text = revisions.generated_data, revisions.generated_text
    click.echo(to_json(json(made)) if as_json else text(made))


@command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--sql", "as_sql", is_flag=True, help="Print the migration as a script.")
@renames
@as_json
def diff(
    invocation: Invocation,
    *,
    before: str,
    after: str,
    as_sql: bool,
    renamed: tuple[str, ...],
    no_rename: bool,
    as_json: bool,
) -> None:
    """Show what turns one schema into another.

    A and B are each one of: models, head, base, a revision, an environment, postgresql://...
    Both are only read. With two URLs it works outside a project.
    """
    from limbeck import diff as verb
    from limbeck import sources
    from limbeck.reports import differences
    from limbeck.reports.data import to_json

    project = _project_for(invocation, before, after)
    named = [sources.parse(project, text, Narrator()) for text in (before, after)]
    first, second = (source.catalog() for source in named)
    steps = verb.steps(first, second, _renames(first, second, renamed, no_rename=no_rename))
    names = (str(named[0]), str(named[1]))
    if as_json:
        click.echo(to_json(differences.data(*names, steps)))
    elif as_sql:
        click.echo(verb.script(steps), nl=False)
    else:
        click.echo(differences.text(*names, steps))


def _renames(
    before: Catalog, after: Catalog, texts: Sequence[str], *, no_rename: bool
) -> Sequence[Rename]:
    """Understand the answers, and say on stderr which questions have none."""
    from limbeck import renames as questions

    answered, idle = questions.answers(texts, before, after)
    for text in idle:
        note(f"--rename {text}: nothing here is renamed so")
    if not no_rename:
        for proposal in questions.propose(before, after, answered):
            note(f"May be a rename: {proposal.flag}")
    return answered


def _project_for(invocation: Invocation, *sources: str) -> Project | None:
    try:
        return invocation.project()
    except ConfigurationError:
        if all("://" in source for source in sources):
            return None
        raise


def _ask_loss(losses: Sequence[str]) -> bool:
    for loss in losses:
        note(f"This loses {loss}")
    return agreed("Write it all the same?")


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
