"""The command `baseline`."""

from __future__ import annotations

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command
from limbeck.cli.terminal import answer


@command()
@click.option(
    "-e",
    "--from-environment",
    "environment",
    metavar="NAME",
    required=True,
    help="The environment whose schema is kept.",
)
@click.option(
    "--at",
    metavar="REV",
    help="The revision of that schema, which the environment is at; base is before the first.",
)
@click.option("--force", is_flag=True, help="Replace a baseline that is there already.")
@as_json
def baseline(
    invocation: Invocation, *, environment: str, at: str | None, force: bool, as_json: bool
) -> None:
    """Keep the schema that a history starts from, as a database has it.

    It is for a history that does not run on an empty database. limbeck reads the environment and
    writes its schema as SQL beside the revisions. Replays start from it: generate, check, lint and
    the rest run only the revisions that follow.
    """
    from limbeck.generate.origin import keep
    from limbeck.output import origins
    from limbeck.output.data import to_json

    project = invocation.project()
    profile = project.profile(environment)
    origin = keep(project, profile, at=at, force=force, listen=Narrator())
    text = to_json(origins.origin_data(origin)) if as_json else origins.origin_text(origin)
    answer(text, masked=as_json)
