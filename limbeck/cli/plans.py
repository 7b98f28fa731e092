"""Plans on the command line: printed, confirmed, applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from limbeck.cli.terminal import Narrator, confirm_plan, note

if TYPE_CHECKING:
    from limbeck.lint.linting import Report as Hazards
    from limbeck.run.keeping import Keep
    from limbeck.run.plan import Plan
    from limbeck.run.report import Report


def plan_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options --dry-run, --sql and --wait."""
    for option in (
        click.option(
            "--wait",
            metavar="SECONDS",
            type=click.FloatRange(min=0),
            default=60,
            show_default=True,
            help="How long to wait for the migration lock.",
        ),
        click.option(
            "--sql", "script", is_flag=True, help="Print the plan as a script for psql and stop."
        ),
        click.option("--dry-run", is_flag=True, help="Show the plan with its SQL and stop."),
    ):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of a run: whether to apply a plan or only print it, and how."""

    dry_run: bool
    script: bool
    wait: float
    yes: bool
    as_json: bool
    keep: Keep | None = None


def carry_out(
    plans: Sequence[Plan],
    options: RunOptions,
    hazards: Sequence[Hazards | None] = (),
    *,
    several: bool = False,
) -> None:
    """Apply or print the plans, asking once; for several plans the JSON answer is a list."""
    from limbeck.output import plans as reports
    from limbeck.output.data import to_json

    if options.script:
        click.echo("\n".join(_script(plan, several=several) for plan in plans))
    elif options.dry_run and options.as_json:
        seen = hazards or [None] * len(plans)
        data = [reports.plan_data(p) | _seen(f) for p, f in zip(plans, seen, strict=True)]
        click.echo(to_json(data if several else data[0]))
    elif options.dry_run:
        click.echo("\n".join(reports.plan_text(plan, with_sql=True) for plan in plans))
    else:
        done = [reports.report_data(report) for report in _applied(plans, options)]
        if options.as_json:
            click.echo(to_json(done if several else done[0]))


def _applied(plans: Sequence[Plan], options: RunOptions) -> Iterator[Report]:
    from limbeck.output import plans as reports
    from limbeck.run import applying

    todo = [plan for plan in plans if plan.revisions]
    for plan in todo:
        note(reports.plan_text(plan, with_sql=plan.protected))
    narrator, confirm = Narrator(), partial(confirm_plan, yes=options.yes)
    for plan in plans:
        # One question covers all plans: they are all printed above.
        first = bool(todo) and plan is todo[0]
        report = applying.apply(
            plan,
            confirm=confirm if first else lambda _: True,
            allow=None,  # the command has linted and printed them already
            keep=options.keep if first else None,
            wait=options.wait,
            progress=narrator.bar,
            listen=narrator,
        )
        if not options.as_json:
            _show(report)
        yield report


def _script(plan: Plan, *, several: bool) -> str:
    if not several:
        return plan.script()
    name = plan.database.dbname.replace('"', '""')
    return f'\\connect "{name}"\n{plan.script()}'


def _seen(report: Hazards | None) -> dict[str, Any]:
    if report is None:
        return {}
    from limbeck.output import hazards

    return {"hazards": hazards.hazards_data(report)["hazards"]}


def _show(report: Report) -> None:
    from limbeck.output import plans

    click.echo(plans.report_text(report))
    if report.tables:
        click.echo(plans.tables_text(report.tables))
