"""The command `backfill`."""

from __future__ import annotations

from functools import partial

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, environment, tenant, yes
from limbeck.cli.plans import RunOptions
from limbeck.cli.terminal import answer, confirm_plan, note
from limbeck.errors import ConfigurationError


@command()
@tenant
@environment
@click.argument("change", metavar="[CHANGE]", required=False)
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many connections to use in parallel.",
)
@click.option(
    "--batch-time",
    metavar="TIME",
    default="50ms",
    show_default=True,
    help="The target duration of a batch, which is also how long it may block a write.",
)
@click.option(
    "--max-lag",
    metavar="TIME",
    default="10s",
    show_default=True,
    help="Pause while a replica lags further behind than this.",
)
@click.option("--dry-run", is_flag=True, help="Estimate rows and time, then stop.")
@yes
@as_json
def backfill(
    invocation: Invocation,
    *,
    environment: str | None,
    change: str | None,
    workers: int,
    batch_time: str,
    max_lag: str,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Fill in the rows of an expanded change, in batches.

    CHANGE names one change; without it, limbeck fills in all that are expanded there. An
    interrupted backfill continues where it stopped. At the end limbeck verifies every row. In a
    project with tenants it fills in what exists once, then each tenant; --tenant chooses one.
    """
    from limbeck.output import backfills
    from limbeck.output.data import to_json
    from limbeck.phased.backfill import estimating, planning, running
    from limbeck.project import urls

    listen = Narrator()
    batch_seconds = _seconds("--batch-time", batch_time)
    lag_seconds = _seconds("--max-lag", max_lag)
    project = invocation.project()
    profile = project.profile(environment)
    database = urls.database(project, profile, listen)
    if project.tenants is not None and invocation.tenant is None:
        from limbeck.cli import tenants
        from limbeck.tenants.migrating import Where

        fill = partial(running.run, workers=workers, batch_time=batch_seconds, max_lag=lag_seconds)
        where = Where(project, profile, database, listen=listen)
        options = RunOptions(dry_run, script=False, wait=0, yes=yes, as_json=as_json)
        tenants.backfill(where, change, options, fill)
        return
    plan = planning.plan(project, profile, database, change, listen=listen)
    if dry_run:
        estimates = estimating.estimate(plan, listen=listen)
        if as_json:
            answer(to_json(backfills.plan_data(plan, estimates)), masked=True)
        else:
            note(backfills.plan_text(plan))
            answer(backfills.estimates_text(estimates) or "Nothing to fill in.")
        return
    if plan.tasks:
        note(backfills.plan_text(plan))
    report = running.run(
        plan,
        confirm=partial(confirm_plan, yes=yes),
        workers=workers,
        batch_time=batch_seconds,
        max_lag=lag_seconds,
        listen=listen,
    )
    data = backfills.report_data(report)
    answer(to_json(data) if as_json else backfills.report_text(report), masked=as_json)


def _seconds(option: str, text: str) -> float:
    import re

    from limbeck.postgres.duration import seconds

    if not re.fullmatch(r"\d+\s*(ms|s|min|h)", text) or not seconds(text):
        raise ConfigurationError(
            f"{option} {text} is not a duration", hint=f"{option} 100ms, 2s, 1min or 1h"
        )
    return seconds(text)
