"""Plans and what became of them, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from limbeck.output.tables import counted
from limbeck.phased.gates.waiting import Waiting
from limbeck.run.outline import Outline
from limbeck.run.planning import Plan, PlannedRevision
from limbeck.run.report import Report


def plan_text(plan: Plan, *, with_sql: bool) -> str:
    """Return the destination, what it is at, and the revisions to run with their SQL."""
    verb = "take back" if plan.downgrade else "apply"
    at = ", ".join(plan.current) or "no revision"
    lines = [f"{plan.environment}: {plan.destination}, at {at}"]
    if not plan.revisions:
        lines.append("Nothing to do." if not plan.waiting else "Nothing to do now.")
        return "\n".join([*lines, *waiting_lines(plan.waiting)])
    lines.append(f"{counted(len(plan.revisions), 'revision')} to {verb}:")
    for revision in plan.revisions:
        lines.append(f"  {revision.id}  {revision.message}{_standing(revision)}")
        if with_sql:
            lines.extend(f"      {line}".rstrip() for line in revision.sql.strip().splitlines())
    return "\n".join([*lines, *waiting_lines(plan.waiting)])


def waiting_lines(waiting: Sequence[Waiting]) -> Iterator[str]:
    """Yield what waits, why, and what to type next."""
    for one in waiting:
        behind = f", and {counted(len(one.others), 'revision')} after it" if one.others else ""
        yield f"Waits: {one.revision}  {one.message}{behind}"
        yield f"  {one.change}: {one.reason}"
        yield f"  {one.hint}"


def waiting_data(waiting: Sequence[Waiting]) -> list[dict[str, Any]]:
    """Return the same, for JSON."""
    return [
        {
            "revision": one.revision,
            "message": one.message,
            "change": one.change,
            "why": one.why,
            "reason": one.reason,
            "hint": one.hint,
            "uses": [{"kind": use.kind, "text": use.text} for use in one.uses],
            "others": list(one.others),
        }
        for one in waiting
    ]


def _standing(revision: PlannedRevision) -> str:
    if revision.done is not None:
        of = f" of {revision.steps}" if revision.steps else ""
        return f"  (interrupted after step {revision.done}{of}; goes on there)"
    return "  (came into the history below the current revision)" if revision.late else ""


def plan_data(plan: Plan) -> dict[str, Any]:
    """Return the plan for JSON."""
    return {
        "environment": plan.environment,
        "destination": plan.destination,
        "protected": plan.protected,
        "downgrade": plan.downgrade,
        "current": list(plan.current),
        "target": list(plan.target),
        "revisions": [
            {
                "id": one.id,
                "message": one.message,
                "path": str(one.path),
                "sql": one.sql,
                "done": one.done,
                "steps": one.steps,
                "late": one.late,
            }
            for one in plan.revisions
        ],
        "waiting": waiting_data(plan.waiting),
        "fingerprint": plan.fingerprint,
    }


def report_text(report: Report) -> str:
    """Return what was done and where the database is now."""
    at = ", ".join(report.current) or "no revision"
    if report.elsewhere:
        done = "Another migrator did it meanwhile"
    elif not report.applied:
        done = "Nothing to do"
    else:
        verb = "Took back" if report.downgrade else "Applied"
        seconds = sum(one.seconds for one in report.applied)
        done = f"{verb} {counted(len(report.applied), 'revision')} in {seconds:.2f} s"
    where = f"{report.environment} ({report.destination}) is at {at}."
    return "\n".join([f"{done}. {where}", *waiting_lines(report.waiting)])


def report_data(report: Report) -> dict[str, Any]:
    """Return what was done, for JSON."""
    return {
        "environment": report.environment,
        "destination": report.destination,
        "downgrade": report.downgrade,
        "elsewhere": report.elsewhere,
        "applied": [
            {"id": one.id, "message": one.message, "seconds": round(one.seconds, 3)}
            for one in report.applied
        ],
        "current": list(report.current),
        "waiting": waiting_data(report.waiting),
    }


def tables_text(found: Outline) -> str:
    """Return each table with its columns, a line each; long lists are cut and say so."""
    lines = [f"  {name}({', '.join(columns)})" for name, columns in found.tables]
    if left := found.total - len(lines):
        lines.append(f"  ... and {counted(left, 'more table')}")
    return "\n".join(["Tables:", *lines]) if lines else "It has no tables."
