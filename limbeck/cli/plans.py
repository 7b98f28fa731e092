"""Plans on the command line: printed, confirmed, applied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from limbeck.cli.narrating import Narrator
from limbeck.cli.options import every
from limbeck.cli.terminal import answer, answer_script, confirm_plan, note

if TYPE_CHECKING:
    from limbeck.lint.linting import Report as Hazards
    from limbeck.run.keeping import Keep
    from limbeck.run.plan import Plan
    from limbeck.run.report import Report


def plan_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options --dry-run, --sql, --wait and --all."""
    for option in (
        every,
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


class RunOptions(NamedTuple):
    """The options of a run: whether to apply a plan or only print it, and how."""

    dry_run: bool
    script: bool
    wait: float
    yes: bool
    as_json: bool
    every: bool = False
    keep: Keep | None = None


def carry_out(
    plans: Sequence[Plan],
    options: RunOptions,
    hazards: Sequence[Hazards | None] = (),
    *,
    several: bool = False,
) -> None:
    """Apply or print the plans, asking once; for several plans the JSON answer is a list."""
    if options.script:
        answer_script("\n".join(_script(plan, several=several) for plan in plans))
        return
    if options.dry_run:
        text = _preview(plans, options, hazards, several=several)
        answer(text, masked=options.as_json, every=options.every)
        return
    from limbeck.output import plans as output
    from limbeck.output.data import to_json
    from limbeck.run import applying

    for plan in plans:
        if not plan.is_empty:
            note(output.plan_text(plan, with_sql=plan.protected), every=options.every)
    # One question covers all plans: they are all printed above.
    first = next((plan for plan in plans if not plan.is_empty), None)
    narrator, confirm = Narrator(), partial(confirm_plan, yes=options.yes)
    answers = []
    for plan in plans:
        report = applying.apply(
            plan,
            confirm=confirm if plan is first else lambda _: True,
            allow=None,  # the command has linted and printed them already
            keep=options.keep if plan is first else None,
            wait=options.wait,
            progress=narrator.bar,
            listen=narrator,
        )
        answers.append(output.report_data(report))
        if not options.as_json:
            _show(report)
    if options.as_json:
        answer(to_json(answers if several else answers[0]), masked=True)


def _preview(
    plans: Sequence[Plan],
    options: RunOptions,
    hazards: Sequence[Hazards | None],
    *,
    several: bool,
) -> str:
    from limbeck.output import plans as output
    from limbeck.output.data import to_json
    from limbeck.output.marks import Answer

    if not options.as_json:
        return Answer([output.plan_text(plan, with_sql=True) for plan in plans])
    reports = hazards or [None] * len(plans)
    answers = [output.plan_data(p) | _seen(r) for p, r in zip(plans, reports, strict=True)]
    return to_json(answers if several else answers[0])


def _script(plan: Plan, *, several: bool) -> str:
    if not several:
        return plan.script()
    from limbeck.schema.sql.quoting import in_quotes

    return f"\\connect {in_quotes(plan.database.dbname)}\n{plan.script()}"


def _seen(report: Hazards | None) -> dict[str, Any]:
    if report is None:
        return {}
    from limbeck.output import hazards

    return {"hazards": hazards.hazards_data(report)["hazards"]}


def _show(report: Report) -> None:
    from limbeck.output import plans

    answer(plans.report_text(report))
    if report.tables:
        answer(plans.tables_text(report.tables))
