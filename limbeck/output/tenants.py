"""Plans, runs and states of environments with tenants, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from limbeck.output import plans, statuses
from limbeck.output.marks import Answer, sections
from limbeck.output.tables import table
from limbeck.plurals import counted
from limbeck.run.drift import outermost
from limbeck.run.status import Status
from limbeck.schema.sql.relative import relative
from limbeck.shell import command, for_tenant

if TYPE_CHECKING:
    from limbeck.output.answers.tenants import (
        TenantsPlanAnswer,
        TenantsRunAnswer,
        TenantsStatusAnswer,
    )
    from limbeck.tenants.migrating import GroupPlan, TenantsPlan, TenantsReport
    from limbeck.tenants.standing import Alike, Standing

MOST = 10
"""How many failures are printed; JSON has all of them."""


def plan_text(plan: TenantsPlan, *, with_sql: bool) -> str:
    """Return the revisions of what exists once, and those of each group of tenants."""
    shared = plan.shared
    some = shared is not None and (shared.revisions or shared.waiting or shared.baseline)
    parts: list[str] = [plans.plan_text(shared, with_sql=with_sql)] if shared and some else []
    parts += [_group_text(group, with_sql=with_sql) for group in plan.notable]
    if not plan.notable and not plan.unplanned:
        parts.append(f"{plan.environment}: {_at_head(len(plan.tenants))}")
    parts += [f"{name}: {error.message}" for name, error in plan.unplanned.items()]
    if plan.later is not None:
        parts.append(
            f"The shared revision {plan.later} needs every tenant at "
            f"{', '.join(plan.later.across)}: it is left to the next run."
        )
    return sections(parts)


def _at_head(tenants: int) -> str:
    if not tenants:
        return "no schema is a tenant yet; create one: limbeck tenants create NAME"
    return f"{counted(tenants, 'tenant')}, nothing to do"


def _group_text(group: GroupPlan, *, with_sql: bool) -> str:
    names = group.group.tenants
    _, *rest = plans.plan_text(group.plan, with_sql=with_sql).blocks
    at = ", ".join(group.plan.current) or "no revision"
    head = f"{group.plan.environment}: {called(names)}, at {at}"
    return Answer([head, *rest])


def called(names: Sequence[str]) -> str:
    """Return a few names of tenants, and their number."""
    few = 3
    if len(names) == 1:
        return f"tenant {names[0]}"
    more = ", ..." if len(names) > few else ""
    return f"{len(names)} tenants ({', '.join(names[:few])}{more})"


def plan_data(plan: TenantsPlan) -> TenantsPlanAnswer:
    """Return the plan for JSON."""
    return {
        "environment": plan.environment,
        "shared": plans.plan_data(plan.shared) if plan.shared else None,
        "groups": [
            {**plans.plan_data(each.plan), "tenants": list(each.group.tenants)}
            for each in plan.notable
        ],
        "tenants": len(plan.tenants),
        "failures": {name: error.message for name, error in plan.unplanned.items()},
    }


def report_text(report: TenantsReport) -> str:
    """Return what ran where, and each tenant that failed with its reason."""
    lines = [plans.report_text(report.shared)] if report.shared else []
    for ids, names in report.migrated.items():
        number = counted(len(names), "tenant")
        lines.append(f"Applied {', '.join(ids)} to {number} in {report.seconds:.2f} s.")
    if not (report.migrated or report.failures or report.shared):
        lines.append(f"{report.environment}: {_at_head(report.unchanged)}.")
    return "\n".join([*lines, *_failures(report)])


def _failures(report: TenantsReport) -> Iterator[str]:
    for name, error in [*report.failures.items()][:MOST]:
        first, *rest = error.message.splitlines()
        yield f"{name}: {first}"
        yield from (f"  {line}" for line in rest)
        hint = for_tenant(error.hint or "", name)
        yield from (f"  {line}" for line in hint.splitlines())
        shown = command("limbeck", "migrate", "-e", report.environment, "--tenant", name)
        yield f"  Run it alone: {shown}"
    if len(report.failures) > MOST:
        yield f"and {len(report.failures) - MOST} more"


def report_data(report: TenantsReport) -> TenantsRunAnswer:
    """Return a report for JSON."""
    return {
        "environment": report.environment,
        "shared": plans.report_data(report.shared) if report.shared else None,
        "migrated": [
            {"revisions": list(ids), "tenants": names} for ids, names in report.migrated.items()
        ],
        "failures": {
            name: {"message": error.message, "hint": for_tenant(error.hint or "", name) or None}
            for name, error in report.failures.items()
        },
        "unchanged": report.unchanged,
        "seconds": report.seconds,
    }


def standing_text(standings: Sequence[Standing]) -> str:
    """Return a table of all environments, a line for each group of tenants that are alike."""
    headers = ("Environment", "Tenants", "Current", "Pending", "Drift")
    rows = [row for each in standings for row in _rows(each)]
    shared = [each.shared for each in standings if each.shared]
    alike = [_details(each.environment, group) for each in standings for group in each.alike]
    details = "\n\n".join(filter(None, [*map(statuses.details_text, shared), *alike]))
    problems = [
        f"{each.environment}: {each.problem.message}\n  {each.problem.hint or ''}".rstrip()
        for each in standings
        if each.problem
    ]
    return "\n\n".join(filter(None, [table(headers, rows), *problems, details]))


def _details(environment: str, alike: Alike) -> str:
    """Return the details of a group, with commands that can be typed."""
    name = f"{environment}, {alike.name}"
    text = statuses.details_text(replace(alike.status, environment=name))
    return alike.addressed(text.replace(command("-e", name), command("-e", environment)))


def _rows(standing: Standing) -> Iterator[tuple[str, ...]]:
    if standing.problem:
        yield standing.environment, "?", "?", "?", "?"
    if standing.shared:
        yield standing.environment, "shared", *_cells(standing.shared)
    for alike in standing.alike:
        yield standing.environment, called(alike.tenants), *_cells(alike.status)


def _cells(status: Status) -> tuple[str, ...]:
    if status.current is None:
        return "?", "?", "?"
    at = ", ".join(status.current) or "no revision"
    pending = "?" if status.unknown else str(len(status.pending) or "none")
    drift = "?" if status.drift is None else str(len(outermost(status.drift)) or "none")
    return at, pending, drift


def standing_data(standings: Sequence[Standing]) -> TenantsStatusAnswer:
    """Return all environments with their tenants, for JSON."""
    return {
        "environments": [
            {
                "environment": each.environment,
                "problem": each.problem.message if each.problem else None,
                "shared": statuses.status_data([each.shared])["environments"][0]
                if each.shared
                else None,
                "groups": [
                    {
                        **statuses.status_data([alike.status])["environments"][0],
                        "tenants": list(alike.tenants),
                    }
                    for alike in each.alike
                ],
            }
            for each in standings
        ]
    }


def generated_text(texts: Mapping[str, str]) -> str:
    """Return what was written of each part, below its name."""
    # On the shadow, the schema of a tenant is public; in the database it is none of that name.
    own = {name: relative(text) if name == "tenants" else text for name, text in texts.items()}
    return "\n\n".join(f"{name}:\n{text}" for name, text in own.items())
