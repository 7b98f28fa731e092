"""Backfills of what exists once and of all tenants, as text and as JSON: a line for each change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from limbeck.output import backfills
from limbeck.output.marks import Answer, Line
from limbeck.output.tenants import MOST, called
from limbeck.phased.backfill.estimating import Estimate
from limbeck.plurals import counted, nouns
from limbeck.shell import for_tenant

if TYPE_CHECKING:
    from limbeck.output.answers.phased import BackfillPlanAnswer
    from limbeck.output.answers.tenants import TenantsBackfillAnswer, TenantsBackfillPlanAnswer
    from limbeck.phased.backfill.planning import Plan
    from limbeck.phased.backfill.running import Filled
    from limbeck.tenants.filling import FillingPlan, FillingReport

Estimates = Mapping[str | None, Sequence[Estimate]]
"""The estimates of each tenant; None is what exists once."""


def plan_text(plan: FillingPlan) -> str:
    """Return the pending backfills of what exists once, and those of the first tenant."""
    parts = [backfills.plan_text(plan.shared)] if plan.shared and plan.shared.tasks else []
    if plan.tenants:
        first = next(iter(plan.tenants.values()))
        _, *rest = backfills.plan_text(first).blocks
        parts.append(Answer([Line(f"{plan.environment}: ", called([*plan.tenants])), *rest]))
    return Answer(parts)


def estimates_text(estimates: Estimates) -> str:
    """Return a line for each backfill, with the sum of all tenants."""
    lines: list[str] = []
    for (place, _, _), several in _by_task(estimates).items():
        wrong, rows = (sum(getattr(each, what) for each in several) for what in ("wrong", "rows"))
        seconds = sum(each.seconds or 0 for each in several)
        took = f", {backfills.duration(seconds)} with one worker" if seconds else ""
        where = f" in {counted(len(several), 'tenant')}" if place == "tenants" else ""
        text = f"about {wrong:,} of {rows:,} {nouns(rows, 'row')}"
        lines.append(f"{several[0].task}: {text}{where}{took}")
    return "\n".join(lines)


def _by_task(estimates: Estimates) -> dict[tuple[str, str, int], list[Estimate]]:
    by_task: dict[tuple[str, str, int], list[Estimate]] = {}
    for name, several in estimates.items():
        place = "shared" if name is None else "tenants"
        for each in several:
            by_task.setdefault((place, each.task.change, each.task.number), []).append(each)
    return by_task


def report_text(report: FillingReport) -> str:
    """Return what was filled in, a line for each backfill, and each tenant that failed."""
    shared = report.shared
    lines = [backfills.report_text(shared)] if shared and shared.filled else []
    by_table: dict[tuple[str, str], list[Filled]] = {}
    for each in report.filled.values():
        for filled in each.filled:
            by_table.setdefault((filled.change, filled.table), []).append(filled)
    for (change, table), several in by_table.items():
        rows = counted(sum(each.changed for each in several), "row")
        seconds = sum(each.seconds for each in several)
        lines.append(
            f"{change}: {rows} of {table} in {counted(len(several), 'tenant')} filled in, "
            f"{seconds:.1f} s; verified, no row is wrong"
        )
    if not (lines or report.failures):
        lines.append(f"Nothing to fill in at {report.environment}.")
    return Answer([*lines, *_failures(report)])


def _failures(report: FillingReport) -> Iterator[str]:
    for name, error in [*report.failures.items()][:MOST]:
        yield f"{name}: {error.message}"
        hint = for_tenant(error.hint or "", name)
        yield from (f"  {line}" for line in hint.splitlines())
    if len(report.failures) > MOST:
        yield f"and {len(report.failures) - MOST} more"


def plan_data(plan: FillingPlan, estimates: Estimates) -> TenantsBackfillPlanAnswer:
    """Return a plan and its estimates for JSON."""

    def data(planned: Plan, name: str | None) -> BackfillPlanAnswer:
        return backfills.plan_data(planned, estimates.get(name, ()))

    return {
        "environment": plan.environment,
        "shared": data(plan.shared, None) if plan.shared else None,
        "tenants": {name: data(each, name) for name, each in plan.tenants.items()},
        "failures": {name: error.message for name, error in plan.unplanned.items()},
    }


def report_data(report: FillingReport) -> TenantsBackfillAnswer:
    """Return a report for JSON."""
    return {
        "environment": report.environment,
        "shared": backfills.report_data(report.shared) if report.shared else None,
        "tenants": {name: backfills.report_data(each) for name, each in report.filled.items()},
        "failures": {
            name: {"message": error.message, "hint": for_tenant(error.hint or "", name) or None}
            for name, error in report.failures.items()
        },
    }
