"""The databases of a fleet: where they stand, plans, what a run has done, as text and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from limbeck.fleet.drift import Difference
from limbeck.fleet.fleet import Overview
from limbeck.fleet.groups import Failures, Group, failures
from limbeck.fleet.outcome import Outcome, State
from limbeck.fleet.profile import Fleet, words
from limbeck.fleet.rollout import Rollup
from limbeck.output.changes import change_line, changes_data
from limbeck.output.hazards import hazards_data, hazards_text
from limbeck.output.marks import Answer, Line, Meaning, Span, Table, sections
from limbeck.output.plans import plan_data, plan_text
from limbeck.plurals import counted, listed
from limbeck.shell import command

if TYPE_CHECKING:
    from limbeck.output.answers.fleets import (
        AlikeData,
        FleetAnswer,
        FleetRunAnswer,
        GroupData,
        MemberData,
        ReasonData,
    )

MOST = 5
"""How many databases of a group are named; JSON has all of them."""
_CHANGES = 20
_MEANINGS: Final[Mapping[str, Meaning]] = {
    "head": "good",
    "failed": "error",
    "unreachable": "error",
    "unknown": "error",
    "interrupted": "warning",
}
"""The meanings of states; something is pending in any other one."""


def overview_text(overview: Overview, fleet: Fleet) -> str:
    """Return a table of the groups of databases, and why some cannot be read or failed."""
    servers = len({member.server for member in overview.members})
    count = counted(len(overview.members), "database")
    rows = [_row(group) for group in overview.groups]
    rows += [
        (Span("unreachable", "error"), str(len(each.members)), "", "", listed(each.members, MOST))
        for each in failures(overview.unreachable)
    ]
    headers = ("State", "Databases", "Current", "Pending", "Which")
    parts = [f"{count} on {counted(servers, 'server')}", Table(headers, rows)]
    parts += [*_problems(overview.groups, fleet), *_failures(overview.unreachable, fleet)]
    known = {name: why for name, why in overview.failed.items() if _is_open(overview, name)}
    if known:
        failed = Span("Failed in the last run", "error")
        parts.append(Answer([failed, *_remembered(known, fleet)]))
    return sections(parts)


def unreachable_texts(overview: Overview, fleet: Fleet) -> Iterator[str]:
    """Yield a paragraph for each reason why databases could not be read."""
    yield from _failures(overview.unreachable, fleet)


def overview_data(overview: Overview) -> FleetAnswer:
    """Return where each database stands, for JSON."""
    home = {name: group for group in overview.groups for name in group.members}
    return {
        "databases": [
            {
                **_outcome_data(outcome),
                "state": home[outcome.member].state if outcome.member in home else outcome.state,
                "failed": overview.failed.get(outcome.member),
            }
            for outcome in overview.outcomes
        ],
        "groups": [_group_data(group) for group in overview.groups],
    }


def plans_text(groups: Sequence[Group], *, with_sql: bool) -> str:
    """Return the plan of each group that has something to do, with its hazards."""
    parts = []
    for group in groups:
        if group.plan is None or group.plan.is_empty:
            continue
        head = f"{counted(len(group.members), 'database')}: {listed(group.members, MOST)}"
        # The plan is that of the first database, whose address says nothing of the others.
        _, *lines = plan_text(group.plan, with_sql=with_sql).splitlines()
        body = [Span(head, "heading"), *lines]
        if group.hazards is not None and group.hazards.hazards:
            body += ["", hazards_text(group.hazards)]
        parts.append(Answer(body))
    return sections(parts) if parts else "Nothing is pending."


def rollup_text(rollup: Rollup, fleet: Fleet) -> str:
    """Return how many databases were changed, and why others were not."""
    counts = Counter(outcome.state for outcome in rollup.outcomes)
    texts: dict[State, str] = {
        "done": "changed",
        "head": "had nothing pending",
        "waiting": "on hold",
        "failed": "failed",
        "unreachable": "unreachable",
        "left": "not begun",
    }
    parts = [f"{counts[state]} {text}" for state, text in texts.items() if counts[state]]
    lines = [f"{counted(len(rollup.outcomes), 'database')}: {', '.join(parts) or 'nothing to do'}"]
    if rollup.stopped:
        again = f"{rollup.stopped}. To continue, run the same command again."
        lines.append(Line(Span("Stopped: ", "warning"), again))
    waiting = [outcome for outcome in rollup.outcomes if outcome.state == "waiting"]
    if waiting:
        names = listed([each.member for each in waiting], MOST)
        lines += ["", Line(Span("On hold: ", "pending"), names), f"    {waiting[0].reason}"]
        lines += [f"    {waiting[0].hint}"]
    template = rollup.template
    if template is not None and template.failed:
        lines += ["", f"The template {template.member} is behind: {template.message}"]
        lines += ["    `limbeck fleet create` tries again."]
    return sections([Answer(lines), *_failures(rollup.outcomes, fleet)])


def rollup_data(rollup: Rollup) -> FleetRunAnswer:
    """Return what became of each database, for JSON."""
    return {
        "ok": not rollup.failed and rollup.stopped is None,
        "stopped": rollup.stopped,
        "databases": [_outcome_data(outcome) for outcome in rollup.outcomes],
        "failures": [_failures_data(each) for each in failures(rollup.outcomes)],
        "template": None if rollup.template is None else _outcome_data(rollup.template),
    }


def differences_text(differences: Sequence[Difference]) -> str:
    """Return the groups of databases that are alike, and what sets each group apart."""
    lines: list[str] = []
    for each in differences:
        head = f"{counted(len(each.members), 'database')} at {_revisions(each.current)}"
        state = "no drift" if not each.changes else counted(len(each.changes), "difference")
        lines.append(f"{head}, {state}: {listed(each.members, MOST)}")
        lines += [f"    {change_line(change)}" for change in each.changes[:_CHANGES]]
        if len(each.changes) > _CHANGES:
            lines.append(f"    and {len(each.changes) - _CHANGES} more")
    return "\n".join(lines)


def differences_data(differences: Sequence[Difference]) -> list[AlikeData]:
    """Return the groups of databases that are alike, for JSON."""
    return [
        {
            "databases": list(each.members),
            "current": list(each.current),
            "changes": changes_data(each.changes),
        }
        for each in differences
    ]


def _row(group: Group) -> tuple[str, ...]:
    plan = group.plan
    pending = "" if plan is None else str(len(plan.revisions))
    current = _revisions(group.start.recorded)
    which = listed(group.members, MOST)
    state = Span(group.state, _MEANINGS.get(group.state, "pending"))
    return state, str(len(group.members)), current, pending, which


def _revisions(ids: Sequence[str] | None) -> str:
    return ", ".join(ids or ()) or "base"


def _problems(groups: Sequence[Group], fleet: Fleet) -> Iterator[str]:
    for group in groups:
        if group.problem is not None:
            lines = [f"{listed(group.members, MOST)}: {group.problem.message}"]
            lines += [f"    {group.problem.hint}"] if group.problem.hint else []
            yield "\n".join(lines)
        elif group.start.interrupted:
            names = listed(group.members, MOST)
            show = command("limbeck", "fleet", "plan", *words(fleet), "--name", group.members[0])
            ids = ", ".join(group.start.interrupted)
            yield f"{names}: a run was interrupted in {ids}\n    {show}"


def _failures(outcomes: Sequence[Outcome], fleet: Fleet) -> Iterator[str]:
    """Yield a paragraph for each reason, with the command that shows one database."""
    for each in failures(outcomes):
        count = counted(len(each.members), "database")
        lines: list[str] = [Line(Span(f"{count} failed: ", "error"), each.reason)]
        lines += [f"    {listed(each.members, MOST)}"]
        show = command("limbeck", "fleet", "plan", *words(fleet), "--name", each.members[0])
        lines += [f"    {each.example.hint}"] if each.example.hint else []
        yield Answer([*lines, Line("    To see one: ", Span(show, "command"))])


def _is_open(overview: Overview, name: str) -> bool:
    return overview.state(name) not in {"head", "waiting", "unreachable"}


def _remembered(failed: dict[str, str], fleet: Fleet) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for name, reason in failed.items():
        reasons.setdefault(reason, []).append(name)
    for reason, names in reasons.items():
        yield f"    {reason}: {listed(names, MOST)}"
    yield f"    {command('limbeck', 'fleet', 'migrate', *words(fleet), '--only', 'failed')}"


def _outcome_data(outcome: Outcome) -> MemberData:
    return {
        "name": outcome.member,
        "destination": outcome.destination,
        "state": outcome.state,
        "current": None if outcome.current is None else list(outcome.current),
        "applied": list(outcome.applied),
        "seconds": round(outcome.seconds, 3),
        "reason": outcome.reason,
        "message": outcome.message,
        "hint": outcome.hint,
    }


def _group_data(group: Group) -> GroupData:
    return {
        "start": group.start.key,
        "state": group.state,
        "databases": list(group.members),
        "plan": None if group.plan is None else plan_data(group.plan),
        "problem": group.problem.message if group.problem else None,
        "hazards": hazards_data(group.hazards)["hazards"] if group.hazards else [],
    }


def _failures_data(each: Failures) -> ReasonData:
    return {
        "reason": each.reason,
        "databases": list(each.members),
        "message": each.example.message,
        "hint": each.example.hint,
    }
