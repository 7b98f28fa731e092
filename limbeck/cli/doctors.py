"""The command `doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, environments
from limbeck.cli.terminal import answer
from limbeck.errors import CheckFailedError

if TYPE_CHECKING:
    from limbeck.run.doctor import Examination


@command()
@environments
@click.option("--write", is_flag=True, help="Write the majors that were seen into the profiles.")
@as_json
@click.pass_context
def doctor(
    ctx: click.Context,
    invocation: Invocation,
    *,
    names: tuple[str, ...],
    write: bool,
    as_json: bool,
) -> None:
    """Check the set-up of each environment, and name what mends it.

    For each environment: where its URL comes from, whether it answers, its major version of
    Postgres, and the server on which schemas are compared with it. The exit code is 3 when
    something is missing or wrong.
    """
    from limbeck.output import doctors
    from limbeck.output.data import to_json
    from limbeck.run.doctor import complete, examine

    project = invocation.project()

    def look() -> Examination:
        profiles = [project.profile(name) for name in names] or project.profiles()
        return examine(project, profiles, listen=Narrator())

    examination, written = look(), complete(project) if write else ()
    if written:
        examination = look()
    if as_json:
        answer(to_json(doctors.data(examination, written)), masked=True)
    else:
        answer(doctors.text(examination, written))
    ctx.exit(0 if examination.healthy else CheckFailedError.exit_code)
