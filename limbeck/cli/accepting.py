"""The command `accept`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, no_cache, own_history, yes
from limbeck.cli.terminal import answer

if TYPE_CHECKING:
    from limbeck.generate.accepting import Acceptance


@command()
@click.argument("names", metavar="[OBJECT]...", nargs=-1)
@click.option("--reason", metavar="TEXT", default="", help="Why the differences stay.")
@click.option("--prune", is_flag=True, help="Remove entries that apply to nothing any more.")
@click.option("--dry-run", is_flag=True, help="Show the differences; write nothing.")
@own_history
@no_cache
@yes
@as_json
def accept(
    invocation: Invocation,
    *,
    names: tuple[str, ...],
    reason: str,
    prune: bool,
    dry_run: bool,
    environment: str | None,
    no_cache: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Accept the differences between the models and the history as they are.

    limbeck writes them into accepted.toml beside the revisions, one line each; `generate` and
    `check` leave them out. OBJECT is a pattern such as public.books.*; without one, all count.
    """
    project = invocation.project(no_cache=no_cache, importing=True)
    from limbeck.generate.accepting import accept as verb
    from limbeck.output import acceptances
    from limbeck.output.data import to_json

    def confirm(acceptance: Acceptance) -> bool:
        return not dry_run and _agreed(acceptance, yes=yes)

    acceptance = verb(
        project,
        project.profile(environment) if environment else None,
        names=names,
        reason=reason,
        prune=prune,
        confirm=confirm,
        listen=Narrator(),
    )
    data, text = acceptances.acceptance_data, acceptances.acceptance_text
    answer(to_json(data(acceptance)) if as_json else text(acceptance), masked=as_json)


def _agreed(acceptance: Acceptance, *, yes: bool) -> bool:
    """Ask whether to write, after the differences are shown."""
    from limbeck.cli.terminal import confirm, note
    from limbeck.output import acceptances
    from limbeck.plurals import counted

    if not yes:
        note(acceptances.acceptance_text(acceptance))
    idle = counted(len(acceptance.idle), "entry", "entries")
    accepting = f"Accept {counted(len(acceptance.added), 'difference')}?"
    confirm(accepting if acceptance.added else f"Remove {idle}?", yes=yes)
    return True
