"""Plans and reports of pushes, as text and as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from limbeck.output.marks import Answer, Line, Many, Span, Sql
from limbeck.output.revisions import one_by_one, step_data, step_line
from limbeck.plurals import counted
from limbeck.push.plan import Plan, Report
from limbeck.run.status import pushed_text

if TYPE_CHECKING:
    from limbeck.output.answers.everyday import PushAnswer, PushPlanAnswer


def plan_text(plan: Plan, *, with_sql: bool) -> str:
    """Return the destination, what it has, and the steps to it with their SQL."""
    at = f"at {', '.join(plan.current) or 'no revision'}"
    if plan.pushed:
        at += f", {pushed_text(plan.pushed, plan.current)}"
    name = Span(plan.environment, "heading")
    lines: list[str] = [Line(name, f": {plan.destination}, {at}")]
    if not plan.steps:
        return Answer([*lines, _nothing(plan)])
    lines.append(Span(f"{counted(len(plan.steps), 'statement')} to push:", "pending"))
    lines.append(Many((Line("  ", step_line(step)) for step in one_by_one(plan.steps)), 2))
    if with_sql:
        lines.append(Sql(plan.script(), 4))
    return Answer(lines)


def plan_data(plan: Plan) -> PushPlanAnswer:
    """Return a plan for JSON."""
    return {
        "environment": plan.environment,
        "destination": plan.destination,
        "current": list(plan.current),
        "base": list(plan.push.base),
        "pushed": plan.pushed.statements if plan.pushed else 0,
        "message": plan.push.message,
        "steps": [step_data(step) for step in plan.steps],
        "tables": plan.tables,
        "fingerprint": plan.push.fingerprint,
    }


def report_text(report: Report) -> str:
    """Return what was pushed, and what to do when it is right."""
    plan = report.plan
    if not plan.steps:
        return _nothing(plan)
    number = counted(len(plan.steps), "statement")
    return (
        f"Pushed {number} to {plan.environment} ({plan.destination}) in {report.seconds:.2f} s. "
        f"{_next(plan)}"
    )


def report_data(report: Report) -> PushAnswer:
    """Return a report for JSON."""
    return {**plan_data(report.plan), "seconds": round(report.seconds, 3)}


def line(report: Report, now: datetime) -> str:
    """Return a push as one line, for a series of them."""
    plan, time = report.plan, f"{now:%H:%M:%S}"
    if not plan.steps:
        return f"{time}  {_nothing(plan)}"
    number = counted(len(plan.steps), "statement")
    where = f"{number} to {plan.environment} in {report.seconds:.2f} s"
    return f"{time}  Pushed {where}: {plan.push.message}"


def _nothing(plan: Plan) -> str:
    return f"No changes ({counted(plan.tables, 'table')})."


def _next(plan: Plan) -> str:
    if plan.push.restores:
        return "Its schema is that of its revisions again."
    return f"No revision has this; write one when it is right: {plan.profile.generate}"
