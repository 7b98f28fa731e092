"""Backfills as text and as JSON: what waits, what it would take, what was done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limbeck.output.tables import counted
from limbeck.phased.backfill.estimating import Estimate
from limbeck.phased.backfill.planning import Plan, Task
from limbeck.phased.backfill.running import Report


def plan_text(plan: Plan) -> str:
    """Return the destination and what has to be filled in there, with the SQL of it."""
    lines = [f"{plan.environment}: {plan.destination}"]
    if not plan.tasks:
        done = ", ".join(sorted({one.change for one in plan.done}))
        lines.append(f"Nothing to fill in; verified: {done}" if done else "Nothing to fill in.")
        return "\n".join(lines)
    lines.append(f"{counted(len(plan.tasks), 'backfill')} to do:")
    for task in plan.tasks:
        lines.append(f"  {task}{_standing(task)}")
        one = task.backfill
        values = [f"{column} = {sql}" for column, sql in one.assignments if sql]
        lines.append(f"      SET {', '.join(values)}" if values else f"      by {one.python}")
        lines.append(f"      WHERE {one.where}")
    return "\n".join(lines)


def estimates_text(found: Sequence[Estimate]) -> str:
    """Return a line for each backfill, with its rows and its time."""
    lines = []
    for one in found:
        rows = f"about {one.wrong:,} of {one.rows:,} rows"
        took = "" if one.seconds is None else f", {duration(one.seconds)} with one worker"
        lines.append(f"{one.task}: {rows}{took}")
    return "\n".join(lines)


def report_text(report: Report) -> str:
    """Return what was filled in and verified."""
    where = f"{report.environment} ({report.destination})"
    if not report.filled:
        return f"Nothing to fill in at {where}."
    lines = []
    for one in report.filled:
        passes = f" in {one.passes} passes" if one.passes > 1 else ""
        lines.append(
            f"{one.change}: {counted(one.changed, 'row')} of {one.table} filled in{passes}, "
            f"{one.seconds:.1f} s; verified, no row is wrong"
        )
    return "\n".join([*lines, f"{where} is filled in."])


def plan_data(plan: Plan, found: Sequence[Estimate] = ()) -> dict[str, Any]:
    """Return what waits, and what it would take, for JSON."""
    estimates = {id(one.task): one for one in found}
    return {
        "environment": plan.environment,
        "destination": plan.destination,
        "protected": plan.protected,
        "backfills": [_task_data(one, estimates.get(id(one))) for one in plan.tasks],
        "verified": [{"change": one.change, "table": one.backfill.table} for one in plan.done],
    }


def report_data(report: Report) -> dict[str, Any]:
    """Return what was done, for JSON."""
    return {
        "environment": report.environment,
        "destination": report.destination,
        "filled": [
            {
                "change": one.change,
                "table": one.table,
                "changed": one.changed,
                "passes": one.passes,
                "seconds": round(one.seconds, 3),
            }
            for one in report.filled
        ],
    }


def duration(seconds: float) -> str:
    """Return a time as people say it: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:  # noqa: PLR2004 - from here on, minutes read better
        return f"{max(seconds, 0):.0f} s"
    if seconds < 6000:  # noqa: PLR2004 - from here on, hours do
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _standing(task: Task) -> str:
    if task.state is None:
        return ""
    return f"  (begun: {task.state.scanned:,} of about {task.state.estimate:,} rows; goes on there)"


def _task_data(task: Task, found: Estimate | None) -> dict[str, Any]:
    return {
        "change": task.change,
        "table": task.backfill.table,
        "set": dict(task.backfill.assignments),
        "where": task.backfill.where,
        "python": task.backfill.python,
        "done": task.state.scanned if task.state else None,
        "rows": found.rows if found else None,
        "wrong": found.wrong if found else None,
        "seconds": found.seconds if found else None,
    }
