"""Plans and reports of runs, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from limbeck.output.marks import MOST, Answer, Line, Many, Span, Sql
from limbeck.phased.gates.waiting import Waiting
from limbeck.plurals import counted, listed
from limbeck.run.outline import Outline
from limbeck.run.plan import Plan, PlannedRevision
from limbeck.run.report import Report

if TYPE_CHECKING:
    from limbeck.output.answers.everyday import PlanAnswer, RunAnswer
    from limbeck.output.answers.parts import WaitingData


def plan_text(plan: Plan, *, with_sql: bool) -> Answer:
    """Return the destination, its current revision, and the revisions to run with their SQL."""
    verb = "downgrade" if plan.downgrade else "apply"
    at = ", ".join(plan.current) or "no revision"
    name = Span(plan.environment, "heading")
    if plan.protected:
        name = Span(f"{name} (protected)", "protected")
    lines: list[str] = [Line(name, f": {plan.destination}, at {at}")]
    if plan.baseline:
        lines.append(f"Create the schema of {plan.baseline} first.")
    if plan.is_empty:
        lines.append("Nothing to do." if not plan.waiting else "Nothing to do now.")
        return Answer([*lines, *waiting_lines(plan.waiting)])
    if plan.recording:
        verb = "record as applied, without running them: their schema was pushed already"
    if plan.revisions:
        lines.append(Span(f"{counted(len(plan.revisions), 'revision')} to {verb}:", "pending"))
    with_sql = with_sql and not plan.recording
    lines.append(Many((_revision(each, with_sql=with_sql) for each in plan.revisions), 2))
    lines += [Span(f"Only {plan.environment} has {each}", "warning") for each in plan.own]
    return Answer([*lines, *waiting_lines(plan.waiting)])


def _revision(revision: PlannedRevision, *, with_sql: bool) -> str:
    line = Line("  ", Span(revision.id, "heading"), f"  {revision.message}{_standing(revision)}")
    sql = revision.sql.strip() if with_sql else ""
    return Answer([line, Sql(sql, 6)]) if sql else line


def waiting_lines(waiting: Sequence[Waiting]) -> Iterator[str]:
    """Yield the contracts on hold, the reason, and what to type next."""
    for contract in waiting:
        behind = (
            f", and {counted(len(contract.others), 'revision')} after it" if contract.others else ""
        )
        hold = Span("On hold", "pending")
        yield Line(hold, f": {contract.revision}  {contract.message}{behind}")
        yield f"  {contract.change}: {contract.reason}"
        yield f"  {contract.hint}"


def waiting_data(waiting: Sequence[Waiting]) -> list[WaitingData]:
    """Return the contracts on hold for JSON."""
    return [
        {
            "revision": contract.revision,
            "message": contract.message,
            "change": contract.change,
            "why": contract.why,
            "reason": contract.reason,
            "hint": contract.hint,
            "uses": [{"kind": use.kind, "text": use.text} for use in contract.uses],
            "others": list(contract.others),
        }
        for contract in waiting
    ]


def _standing(revision: PlannedRevision) -> str:
    if revision.reversal is not None:
        return f"  (half-done, {counted(revision.done or 0, 'step')}: the half is taken back)"
    if revision.done is not None:
        of = f" of {revision.steps}" if revision.steps else ""
        return f"  (interrupted after step {revision.done}{of}; continues there)"
    return "  (inserted into the history below the current revision)" if revision.late else ""


def plan_data(plan: Plan) -> PlanAnswer:
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
                "id": revision.id,
                "message": revision.message,
                "path": str(revision.path),
                "sql": revision.sql,
                "done": revision.done,
                "steps": revision.steps,
                "late": revision.late,
                "half": revision.reversal is not None,
            }
            for revision in plan.revisions
        ],
        "baseline": str(plan.baseline.path) if plan.baseline else None,
        "waiting": waiting_data(plan.waiting),
        "own": [
            {"object": each.text, "effect": each.effect, "of": each.holder} for each in plan.own
        ],
        "recording": plan.recording,
        "fingerprint": plan.fingerprint,
    }


def report_text(report: Report) -> str:
    """Return what ran and the current revision of the database."""
    at = ", ".join(report.current) or "no revision"
    if report.elsewhere:
        done = "Another migrator has applied it meanwhile"
    elif not report.applied:
        done = "Nothing to do" if report.baseline is None else "Applied no revision"
    elif report.recorded:
        number = counted(len(report.applied), "revision")
        done = f"Recorded {number} as applied, without running anything: the schema was pushed"
    else:
        verb = "Downgraded" if report.downgrade else "Applied"
        seconds = sum(revision.seconds for revision in report.applied)
        done = f"{verb} {counted(len(report.applied), 'revision')} in {seconds:.2f} s"
    where = f"{report.environment} ({report.destination}) is at {at}."
    created = [f"Created the schema of {report.baseline}."] if report.baseline else []
    line = Line(Span(f"{done}.", "good"), f" {where}")
    return Answer([*created, line, *waiting_lines(report.waiting)])


def report_data(report: Report) -> RunAnswer:
    """Return a report for JSON."""
    return {
        "environment": report.environment,
        "destination": report.destination,
        "downgrade": report.downgrade,
        "elsewhere": report.elsewhere,
        "applied": [
            {"id": revision.id, "message": revision.message, "seconds": round(revision.seconds, 3)}
            for revision in report.applied
        ],
        "recorded": report.recorded,
        "current": list(report.current),
        "waiting": waiting_data(report.waiting),
    }


def tables_text(outline: Outline) -> str:
    """Return a line for each changed table with its columns, and how many others there are."""
    if not outline.changed:
        return f"The database has {counted(outline.total, 'table')}."
    head = Span("Tables:", "heading")
    if outline.changed < outline.total:
        head = Span(f"Tables changed ({outline.changed} of {outline.total}):", "heading")
    lines = [f"  {name}({listed(columns, MOST)})" for name, columns in outline.tables]
    if left := outline.changed - len(lines):
        lines.append(f"  ... and {counted(left, 'more table')}")
    return Answer([head, *lines])
