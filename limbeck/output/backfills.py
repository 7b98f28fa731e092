"""Backfills as text and as JSON: plans, estimates, reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from limbeck.output.marks import Answer, Line, Span, Sql
from limbeck.phased.backfill.estimating import Estimate
from limbeck.phased.backfill.planning import Plan, Task
from limbeck.phased.backfill.running import Report
from limbeck.plurals import counted, nouns

if TYPE_CHECKING:
    from limbeck.output.answers.phased import BackfillAnswer, BackfillPlanAnswer, TaskData


def plan_text(plan: Plan) -> Answer:
    """Return the destination and its pending backfills with their SQL."""
    name: str = plan.environment
    if plan.protected:
        name = Span(f"{name} (protected)", "protected")
    lines: list[str] = [Line(name, f": {plan.destination}")]
    if not plan.tasks:
        done = ", ".join(sorted({task.change for task in plan.done}))
        lines.append(f"Nothing to fill in; verified: {done}" if done else "Nothing to fill in.")
        return Answer(lines)
    lines.append(Span(f"{counted(len(plan.tasks), 'backfill')} to do:", "pending"))
    for task in plan.tasks:
        lines.append(f"  {task}{_standing(task)}")
        backfill = task.backfill
        values = [f"{column} = {sql}" for column, sql in backfill.assignments if sql]
        set_ = f"SET {', '.join(values)}"
        lines.append(Sql(set_, 6) if values else f"      by {backfill.python}")
        lines.append(Sql(f"WHERE {backfill.where}", 6))
    return Answer(lines)


def estimates_text(estimates: Sequence[Estimate]) -> str:
    """Return a line for each backfill with its rows and its duration."""
    lines = []
    for estimate in estimates:
        rows = f"about {estimate.wrong:,} of {estimate.rows:,} {nouns(estimate.rows, 'row')}"
        took = "" if estimate.seconds is None else f", {duration(estimate.seconds)} with one worker"
        lines.append(f"{estimate.task}: {rows}{took}")
    return "\n".join(lines)


def report_text(report: Report) -> str:
    """Return the backfills that ran and were verified."""
    where = f"{report.environment} ({report.destination})"
    if not report.filled:
        return f"Nothing to fill in at {where}."
    lines = []
    for filling in report.filled:
        passes = f" in {filling.passes} passes" if filling.passes > 1 else ""
        lines.append(
            f"{filling.change}: {counted(filling.changed, 'row')} of {filling.table} filled in"
            f"{passes}, {filling.seconds:.1f} s; verified, no row is wrong"
        )
    return Answer([*lines, Span(f"{where} is filled in.", "good")])


def plan_data(plan: Plan, estimates: Sequence[Estimate] = ()) -> BackfillPlanAnswer:
    """Return a plan and its estimates for JSON."""
    by_task = {id(estimate.task): estimate for estimate in estimates}
    return {
        "environment": plan.environment,
        "destination": plan.destination,
        "protected": plan.protected,
        "backfills": [_task_data(task, by_task.get(id(task))) for task in plan.tasks],
        "verified": [{"change": task.change, "table": task.backfill.table} for task in plan.done],
    }


def report_data(report: Report) -> BackfillAnswer:
    """Return a report for JSON."""
    return {
        "environment": report.environment,
        "destination": report.destination,
        "filled": [
            {
                "change": filling.change,
                "table": filling.table,
                "changed": filling.changed,
                "passes": filling.passes,
                "seconds": round(filling.seconds, 3),
            }
            for filling in report.filled
        ],
    }


def duration(seconds: float) -> str:
    """Return a duration in a readable unit: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:  # noqa: PLR2004 - from here on, minutes read better
        return f"{max(seconds, 0):.0f} s"
    if seconds < 6000:  # noqa: PLR2004 - from here on, hours read better
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _standing(task: Task) -> str:
    if task.state is None:
        return ""
    estimate = task.state.estimate
    rows = f"{task.state.scanned:,} of about {estimate:,} {nouns(estimate, 'row')}"
    return f"  (started: {rows}; continues there)"


def _task_data(task: Task, estimate: Estimate | None) -> TaskData:
    return {
        "change": task.change,
        "table": task.backfill.table,
        "set": dict(task.backfill.assignments),
        "where": task.backfill.where,
        "python": task.backfill.python,
        "done": task.state.scanned if task.state else None,
        "rows": estimate.rows if estimate else None,
        "wrong": estimate.wrong if estimate else None,
        "seconds": estimate.seconds if estimate else None,
    }
