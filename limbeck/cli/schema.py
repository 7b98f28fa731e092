"""The commands `generate` and `diff`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from limbeck.cli.invocation import Invocation, project_for
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, every, no_cache, own_history, renames
from limbeck.cli.questions import (
    ask_cast,
    ask_loss,
    asking_renames,
    conversions,
    parsed_values,
    written_values,
)
from limbeck.cli.terminal import answer, answer_script, interactive, note

if TYPE_CHECKING:
    from limbeck.schema.catalog.catalog import Catalog
    from limbeck.schema.renames.rename import Rename


@command()
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
@click.option(
    "--zero-downtime/--plain",
    "phased",
    default=None,
    help="Split a breaking change into expand and contract revisions (--plain: one revision).",
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Write only what changes about this table or column: public.books. Repeatable.",
)
@written_values
@conversions
@renames
@no_cache
@every
@as_json
def generate(
    invocation: Invocation,
    *,
    message: str | None,
    environment: str | None,
    allow_drop: bool,
    phased: bool | None,
    only: tuple[str, ...],
    values: tuple[str, ...],
    using: tuple[str, ...],
    renamed: tuple[str, ...],
    no_rename: bool,
    no_cache: bool,
    every: bool,
    as_json: bool,
) -> None:
    """Write the next revision from the models and prove it.

    limbeck compares the models with the recorded history, replayed on a shadow database; it needs
    no live database. -e is for an environment that has its own versions folder.
    """
    project = invocation.project(no_cache=no_cache, importing=True)
    from limbeck.generate.answers import Answers
    from limbeck.generate.generate import revision
    from limbeck.output import revisions
    from limbeck.output.data import to_json

    profile = project.profile(environment) if environment else None
    answers = Answers(
        allow_drop=allow_drop,
        ask_loss=ask_loss if interactive() else None,
        renames=renamed,
        no_rename=no_rename,
        ask_rename=asking_renames(project, profile) if interactive() else None,
        phased=phased,
        only=only,
        values=parsed_values(values),
        using=parsed_values(using, "--using"),
        ask_cast=ask_cast if interactive() else None,
    )
    if project.tenants is not None:
        from limbeck.cli import tenants

        tenants.generate(project, profile, message, answers, as_json=as_json)
        return
    generated = revision(project, profile, message=message, answers=answers, listen=Narrator())
    json, text = revisions.generated_data, revisions.generated_text
    answer(to_json(json(generated)) if as_json else text(generated), masked=as_json, every=every)


@command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--sql", "as_sql", is_flag=True, help="Print the migration as an SQL script.")
@click.option("--grants", is_flag=True, help="Compare privileges as well.")
@renames
@no_cache
@every
@as_json
def diff(
    invocation: Invocation,
    *,
    before: str,
    after: str,
    as_sql: bool,
    grants: bool,
    renamed: tuple[str, ...],
    no_rename: bool,
    no_cache: bool,
    every: bool,
    as_json: bool,
) -> None:
    """Show what turns one schema into another.

    A and B are each one of: models, head, base, a revision, an environment, postgresql://...
    Both are only read. With two URLs, no project is needed.
    """
    from limbeck.shadow.source import catalogs, parse

    project = project_for(invocation, before, after)
    if project is not None and no_cache:
        project = replace(project, cache=False)
    named = [parse(project, text, Narrator(), grants=grants) for text in (before, after)]
    first, second = catalogs(*named)
    # After the reading, whose first questions should be on their way as early as possible.
    from limbeck.output import differences
    from limbeck.output.data import to_json
    from limbeck.schema.diff import compare, recreated
    from limbeck.schema.diff.script import script

    renames = _renames(first, second, renamed, no_rename=no_rename)
    steps = compare.steps(first, second, renames)
    names = (str(named[0]), str(named[1]))
    if as_json:
        answer(to_json(differences.data(*names, steps)), masked=True)
    elif as_sql:
        whole = recreated.preserving(steps, first, second, renames)
        answer_script(script(whole), end="")
    else:
        answer(differences.text(*names, steps), every=every)


def _renames(
    before: Catalog, after: Catalog, texts: Sequence[str], *, no_rename: bool
) -> Sequence[Rename]:
    """Return the renames that were answered; print unanswered proposals on stderr."""
    from limbeck.schema.renames import likeness, parse

    answered, idle = parse.answers(texts, before, after)
    for text in idle:
        note(f"No such rename: {text}")
    if not no_rename:
        for question in likeness.questions(before, after, answered):
            for candidate in question.candidates:
                note(f"Possible rename: {candidate.flag}")
    return answered
