"""The command `repair`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, completed, environment, tenant, yes
from limbeck.cli.terminal import answer
from limbeck.errors import ConfigurationError

if TYPE_CHECKING:
    from limbeck.run.halves import Half
    from limbeck.run.repairing import Mark


@command()
@tenant
@environment
@click.argument("revision", metavar="[REV]", required=False, shell_complete=completed("revisions"))
@click.option("--done", is_flag=True, help="Record it as if the interrupted run had ended.")
@click.option("--undone", is_flag=True, help="Record it as if the run had never begun.")
@click.option("--forget", is_flag=True, help="Forget a revision whose file is missing.")
@click.option("--force", is_flag=True, help="Mark it although the catalog says otherwise.")
@yes
@as_json
def repair(
    invocation: Invocation,
    *,
    environment: str | None,
    revision: str | None,
    done: bool,
    undone: bool,
    forget: bool,
    force: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Show half-done revisions, or mark one as done or undone.

    limbeck compares the catalog with the schema before and after the revision. No statement of a
    revision runs; `limbeck migrate` continues it, `limbeck rollback` takes it back.
    """
    from limbeck.cli.terminal import agreed
    from limbeck.output import halves
    from limbeck.output.data import to_json
    from limbeck.project import urls
    from limbeck.run import repairing

    mark = _mark(done=done, undone=undone, forget=forget)
    listen = Narrator()
    project = invocation.project()
    profile = project.profile(environment)
    database = urls.database(project, profile, listen)

    def confirm(half: Half, mark: Mark) -> bool:
        return yes or agreed(halves.question(half, mark, database.destination))

    if mark is None:
        repair = repairing.look(project, profile, database, listen=listen)
    else:
        repair = repairing.repair(
            project,
            profile,
            database,
            mark,
            revision=revision,
            force=force,
            confirm=confirm,
            listen=listen,
        )
    if as_json:
        answer(to_json(halves.repair_data(repair)), masked=True)
    else:
        answer(invocation.addressed(halves.repair_text(repair)))


def _mark(*, done: bool, undone: bool, forget: bool) -> Mark | None:
    marks: dict[Mark, bool] = {"done": done, "undone": undone, "forgotten": forget}
    chosen = [mark for mark, given in marks.items() if given]
    if len(chosen) > 1:
        raise ConfigurationError(
            "--done, --undone and --forget exclude each other", hint="Give one of them."
        )
    return chosen[0] if chosen else None
