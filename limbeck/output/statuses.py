"""The state of each environment, and the findings of a check, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from limbeck.history.revisions import Revision, way_out
from limbeck.output.changes import change_line, changes_data
from limbeck.output.marks import Answer, Line, Many, Meaning, Span, Table, sections
from limbeck.output.plans import waiting_data, waiting_lines
from limbeck.phased.gates.standing import Standing
from limbeck.plurals import counted
from limbeck.run import apart
from limbeck.run.drift import named, outermost
from limbeck.run.status import RESTORE, Finding, Status, continuing, pushed_hint, pushed_text
from limbeck.schema.catalog.catalog import Change

if TYPE_CHECKING:
    from limbeck.output.answers.everyday import CheckAnswer, EnvironmentData, StatusAnswer


def status_text(statuses: Sequence[Status]) -> str:
    """Return a table of all environments, and below it what is pending, drifted or wrong."""
    if not statuses:
        return "There are no environments: env_profiles/ has no profile."
    headers = ("Environment", "Branch", "Current", "Pending", "Drift", "Database")
    details = (Answer(_details(status)) for status in statuses)
    return sections(
        [
            Table(headers, [_row(status) for status in statuses]),
            *_heads(statuses),
            *_baselines(statuses),
            *filter(None, details),
        ]
    )


def details_text(status: Status) -> str:
    """Return what is pending, drifted or wrong in one environment."""
    return "\n".join(_details(status))


def status_data(statuses: Sequence[Status]) -> StatusAnswer:
    """Return all environments, for JSON."""
    return {"environments": [_fields(status) for status in statuses]}


def check_text(findings: Sequence[Finding], *, live: bool, heads: int = 1) -> str:
    """Return a line for each finding with its hint, or a line that says that the check passed.

    `live` says whether databases were checked, too. `heads` is the number of heads that stay.
    """
    lines: list[str] = []
    if not any(finding.fails for finding in findings):
        but = " but contracts on hold" if findings else ""
        databases = f", nothing pending{but}, no drift" if live else ""
        several = "one head" if heads < 2 else f"{heads} heads that stay"  # noqa: PLR2004 - a plural
        ok = Span("ok", "good")
        lines.append(Line(ok, f": {several}, the models have their revisions{databases}"))
    for finding in findings:
        place = Span(finding.environment or "project", "error" if finding.fails else "pending")
        lines.append(Line(place, f": {sentence(finding)}"))
        lines.extend(_differences(finding))
        if finding.hint:
            lines.append(f"    {finding.hint}")
    return Answer(lines)


def sentence(finding: Finding) -> str:
    """Return the text of a finding without the names of its changes, which follow it."""
    return finding.text.removesuffix(f" {named(finding.changes)}" if finding.changes else "")


def _differences(finding: Finding) -> Iterator[str]:
    changes = outermost(finding.changes)
    if changes:
        yield Many((Line("    ", change_line(change)) for change in changes), 4)


def check_data(findings: Sequence[Finding]) -> CheckAnswer:
    """Return the findings, for JSON."""
    return {
        "ok": not any(finding.fails for finding in findings),
        "findings": [
            {
                "kind": finding.kind,
                "environment": finding.environment,
                "text": finding.text,
                "hint": finding.hint,
                "changes": changes_data(finding.changes),
            }
            for finding in findings
            if finding.fails
        ],
        "waiting": [
            {"environment": finding.environment, **waiting_data([finding.waiting])[0]}
            for finding in findings
            if finding.waiting
        ],
    }


def _baselines(statuses: Sequence[Status]) -> Iterator[str]:
    for baseline in dict.fromkeys(each.baseline for each in statuses if each.baseline):
        yield f"The history starts from {baseline}."


def _heads(statuses: Sequence[Status]) -> Iterator[str]:
    """Yield once what several environments share: a history with several heads."""
    for heads in dict.fromkeys(status.heads for status in statuses if status.heads):
        names = "".join(f"\n  {head}{_places(head, statuses)}" for head in heads)
        yield f"The history has {counted(len(heads), 'head')}; run `limbeck merge`:{names}"


def _places(head: Revision, statuses: Sequence[Status]) -> str:
    """Return where one of several heads is applied."""
    names = [status.environment for status in statuses if head in status.applied]
    return f", applied on {', '.join(names)}" if names else ""


def _row(status: Status) -> tuple[str, ...]:
    name = status.environment
    if status.protected:
        name = Span(f"{name} (protected)", "protected")
    if status.current is None:
        return name, status.branch, "?", "?", "?", status.destination
    at = ", ".join(status.current) or "no revision"
    pending = "?" if status.unknown else _number(len(status.pending), "pending")
    drift = "?" if status.drift is None else _number(len(outermost(status.drift)), "changed")
    drift = Span("pushed", "changed") if status.pushed else drift
    return name, status.branch, at, pending, drift, status.destination


def _number(number: int, meaning: Meaning) -> str:
    return Span(str(number), meaning) if number else "none"


def _details(status: Status) -> Iterator[str]:
    name = status.environment
    if status.problem:
        yield Line(Span(name, "error"), f": {status.problem.message}")
        if status.problem.hint:
            yield f"  {status.problem.hint}"
    yield from _unknown(status)
    for revision in status.edited:
        yield Line(Span(name, "error"), f": the file of {revision} was edited after it was applied")
        yield f"  {RESTORE}"
    for id_ in [each for each in status.deleted if each not in status.unknown]:
        yield Line(Span(name, "error"), f": {id_} is applied, but its revision file is missing")
    for id_, steps in status.interrupted:
        yield Line(Span(name, "error"), f": revision {id_} was interrupted after step {steps}")
        yield f"  {continuing(status, id_)}"
    if status.pending:
        yield Span(f"{name}, pending:", "pending")
        yield Many((f"  {each.id}  {each.message}" for each in status.pending), 2)
    yield from _phases(status)
    if status.pushed:
        yield f"{name}: {pushed_text(status.pushed, status.current or ())}"
        if changes := outermost(status.drift or ()):
            yield Many((Line("  ", change_line(each)) for each in changes), 2)
        yield f"  {pushed_hint(status)}"
    elif status.drift:
        yield from _drift(name, outermost(status.drift), edited=bool(status.edited))


def _unknown(status: Status) -> Iterator[str]:
    if status.unknown:
        ids = ", ".join(status.unknown)
        if status.squash:
            replaced = f"{status.squash} has replaced revision {ids}, and more after it"
            yield f"{status.environment}: {replaced}"
            yield f"  {way_out(status.squash, status.unknown[0])}"
        else:
            yield f"{status.environment}: revision {status.unknown_text or ids} has no file"
            yield f"  {apart.hint(status.unknown[0], status.environment)}"


def _drift(name: str, drift: Sequence[Change], *, edited: bool) -> Iterator[str]:
    kind = "difference from the edited revisions" if edited else "drift"
    objects = counted(len(drift), "object")
    signs = "+ only here, - missing here, ~ different"
    yield Line(Span(f"{name}, {kind}", "changed"), f" ({objects}: {signs}):")
    yield Many((Line("  ", change_line(change)) for change in drift), 2)


def _phases(status: Status) -> Iterator[str]:
    if open_ := [each for each in status.phases if each.phase != "contracted"]:
        yield Span(f"{status.environment}, changes without downtime:", "heading")
        yield from (f"  {each.change}: {phase_text(each)}" for each in open_)
    for line in waiting_lines(status.waiting):
        yield Line("  ", line) if line.startswith(" ") else Line(f"{status.environment}: ", line)


def phase_text(standing: Standing) -> str:
    """Return the phase of a change, with how much of it is backfilled."""
    if standing.filled is None or not standing.total:
        return standing.phase
    return f"{standing.phase}, {100 * standing.filled // standing.total} % of its rows backfilled"


def _fields(status: Status) -> EnvironmentData:
    return {
        "environment": status.environment,
        "branch": status.branch,
        "protected": status.protected,
        "destination": status.destination,
        "current": None if status.current is None else list(status.current),
        "applied": [{"id": each.id, "message": each.message} for each in status.applied],
        "pending": [{"id": each.id, "message": each.message} for each in status.pending],
        "unknown": list(status.unknown),
        "edited": [each.id for each in status.edited],
        "deleted": list(status.deleted),
        "interrupted": [{"id": id_, "done": steps} for id_, steps in status.interrupted],
        "drift": None if status.drift is None else changes_data(status.drift),
        "changes": [
            {"change": each.change, "phase": each.phase, "filled": each.filled, "total": each.total}
            for each in status.phases
        ],
        "waiting": waiting_data(status.waiting),
        "heads": [head.id for head in status.heads],
        "baseline": str(status.baseline.path) if status.baseline else None,
        "pushed": {
            "statements": status.pushed.statements,
            "interrupted": status.pushed.interrupted is not None,
        }
        if status.pushed
        else None,
        "problem": status.problem.message if status.problem else None,
        "clean": status.clean,
    }
