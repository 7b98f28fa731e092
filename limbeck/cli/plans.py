"""A plan on the command line: shown, asked about, carried out."""

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
    """Add what can be done with a plan besides carrying it out, and how long to wait."""
    for option in (
        click.option(
            "--wait",
            metavar="SECONDS",
            type=click.FloatRange(min=0),
            default=60,
            show_default=True,
            help="How long to wait for another migrator.",
        ),
        click.option(
            "--sql", "script", is_flag=True, help="Print the plan as a script for psql and stop."
        ),
        click.option("--dry-run", is_flag=True, help="Show the plan with its SQL and stop."),
    ):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Way:
    """How a plan is carried out, or only shown."""

    dry_run: bool
    script: bool
    wait: float
    yes: bool
    as_json: bool
    keep: Keep | None = None


def carry_out(
    plans: Sequence[Plan], way: Way, found: Sequence[Hazards | None] = (), *, several: bool = False
) -> None:
    """Carry out what is planned, asking once; the answer of several plans is a list."""
    from limbeck.output import plans as reports
    from limbeck.output.data import to_json

    if way.script:
        click.echo("\n".join(_script(plan, several=several) for plan in plans))
    elif way.dry_run and way.as_json:
        seen = found or [None] * len(plans)
        data = [reports.plan_data(p) | _seen(f) for p, f in zip(plans, seen, strict=True)]
        click.echo(to_json(data if several else data[0]))
    elif way.dry_run:
        click.echo("\n".join(reports.plan_text(plan, with_sql=True) for plan in plans))
    else:
        done = [reports.report_data(report) for report in _applied(plans, way)]
        if way.as_json:
            click.echo(to_json(done if several else done[0]))


def _applied(plans: Sequence[Plan], way: Way) -> Iterator[Report]:
    from limbeck.output import plans as reports
    from limbeck.run import applying

    todo = [plan for plan in plans if plan.revisions]
    for plan in todo:
        note(reports.plan_text(plan, with_sql=plan.protected))
    narrator, confirm = Narrator(), partial(confirm_plan, yes=way.yes)
    for plan in plans:
        # The first one that has something to do is asked about, with all of them shown above.
        first = bool(todo) and plan is todo[0]
        report = applying.apply(
            plan,
            confirm=confirm if first else lambda _: True,
            allow=None,  # they were looked at above, and shown
            keep=way.keep if first else None,
            wait=way.wait,
            progress=narrator.bar,
            listen=narrator,
        )
        if not way.as_json:
            _show(report)
        yield report


def _script(plan: Plan, *, several: bool) -> str:
    if not several:
        return plan.script()
    name = plan.database.dbname.replace('"', '""')
    return f'\\connect "{name}"\n{plan.script()}'


def _seen(found: Hazards | None) -> dict[str, Any]:
    if found is None:
        return {}
    from limbeck.output import hazards

    return {"hazards": hazards.hazards_data(found)["hazards"]}


def _show(report: Report) -> None:
    from limbeck.output import plans

    click.echo(plans.report_text(report))
    if report.tables:
        click.echo(plans.tables_text(report.tables))
