"""The command `expand`."""

from __future__ import annotations

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, no_cache, own_history, renames
from limbeck.cli.questions import (
    ask_cast,
    ask_loss,
    asking_renames,
    conversions,
    parsed_values,
    written_values,
)
from limbeck.cli.terminal import answer, interactive


@command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "-m",
    "--message",
    metavar="TEXT",
    help="The message of the revision; derived from its operations if omitted.",
)
@own_history
@click.option(
    "--allow-drop", is_flag=True, help="Allow changes that lose data, without a question."
)
@written_values
@conversions
@renames
@no_cache
@as_json
def expand(
    invocation: Invocation,
    *,
    names: tuple[str, ...],
    message: str | None,
    environment: str | None,
    allow_drop: bool,
    values: tuple[str, ...],
    using: tuple[str, ...],
    renamed: tuple[str, ...],
    no_rename: bool,
    no_cache: bool,
    as_json: bool,
) -> None:
    """Write the expand and contract revisions of one change.

    NAME is the table or column that changes, such as public.books.title. Other changes of the
    models are left to the next generate. limbeck proves both revisions.
    """
    from limbeck.generate import generate
    from limbeck.generate.answers import Answers
    from limbeck.output import revisions
    from limbeck.output.data import to_json

    project = invocation.project(no_cache=no_cache)
    profile = project.profile(environment) if environment else None
    answers = Answers(
        allow_drop=allow_drop,
        ask_loss=ask_loss if interactive() else None,
        renames=renamed,
        no_rename=no_rename,
        ask_rename=asking_renames(project, profile) if interactive() else None,
        phased=True,
        values=parsed_values(values),
        using=parsed_values(using, "--using"),
        ask_cast=ask_cast if interactive() else None,
        only=names,
    )
    generated = generate.revision(
        project, profile, message=message, answers=answers, listen=Narrator()
    )
    json, text = revisions.generated_data, revisions.generated_text
    answer(to_json(json(generated)) if as_json else text(generated), masked=as_json)
