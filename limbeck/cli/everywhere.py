"""Commands that are given the name of a fleet: they are those of the group `fleet`."""

from __future__ import annotations

from typing import Any

import click

from limbeck.cli import fleets


def migrate(
    *,
    environment: str,
    to: str,
    through: str | None,
    contract: bool,
    dry_run: bool,
    script: bool,
    as_json: bool,
    rehearsed: bool,
    snapshot: bool,
    all_databases: bool,
    only: tuple[str, ...],
    every: bool,
    **options: Any,
) -> None:
    """Migrate a fleet with the options of `limbeck migrate`, or only show its plans."""
    if rehearsed or snapshot or all_databases or only or every:
        raise click.UsageError(
            "A fleet takes no --rehearse, --snapshot, --all-databases, --tenant or --all."
        )
    context = click.get_current_context()
    chosen = {"environment": environment, "to": None if to == "head" else to, "as_json": as_json}
    if dry_run or script:
        context.invoke(fleets.plan, script=script, **chosen)
        return
    phase = "contract" if contract else through
    context.invoke(fleets.migrate, through=phase, **chosen, **options)


def rollback(
    *, to: str | None, steps: int, dry_run: bool, script: bool, every: bool, **options: Any
) -> None:
    """Downgrade a fleet with the options of `limbeck rollback`.

    Its databases may be at different revisions, so a number of steps says nothing.
    """
    if to is None or dry_run or script or every or steps > 1:
        raise click.UsageError("A fleet is taken back with --to REV alone.")
    click.get_current_context().invoke(fleets.rollback, to=to, **options)
