"""Where the environments stand, and what a check complains about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from limbeck.history.revisions import way_out
from limbeck.output.changes import change_line, changes_data
from limbeck.output.plans import waiting_data, waiting_lines
from limbeck.output.tables import counted, table
from limbeck.phased.gates.standing import Standing
from limbeck.run.status import Finding, Status


def status_text(found: Sequence[Status]) -> str:
    """Return all environments side by side; below, what is pending, drifted or wrong."""
    if not found:
        return "There are no environments: env_profiles/ has no profile."
    headers = ("Environment", "Branch", "Current", "Pending", "Drift", "Database")
    sections = [table(headers, [_row(one) for one in found]), *_heads(found)]
    sections.extend("\n".join(lines) for one in found if (lines := list(_details(one))))
    return "\n\n".join(sections)


def status_data(found: Sequence[Status]) -> dict[str, Any]:
    """Return all environments, for JSON."""
    return {"environments": [_fields(one) for one in found]}


def check_text(found: Sequence[Finding], *, live: bool) -> str:
    """Return a line for each finding and what to type next, and where none fails what is well.

    `live` says that databases were looked at too.
    """
    lines: list[str] = []
    if not any(one.fails for one in found):
        but = " but what waits" if found else ""
        databases = f", nothing pending{but}, no drift" if live else ""
        lines.append(f"ok: one head, the models have their revisions{databases}")
    for one in found:
        lines.append(f"{one.environment or 'project'}: {one.text}")
        if one.hint:
            lines.append(f"    {one.hint}")
    return "\n".join(lines)


def check_data(found: Sequence[Finding]) -> dict[str, Any]:
    """Return the findings, for JSON."""
    return {
        "ok": not any(one.fails for one in found),
        "findings": [
            {
                "kind": one.kind,
                "environment": one.environment,
                "text": one.text,
                "hint": one.hint,
                "changes": changes_data(one.changes),
            }
            for one in found
            if one.fails
        ],
        "waiting": [
            {"environment": one.environment, **waiting_data([one.waiting])[0]}
            for one in found
            if one.waiting
        ],
    }


def _row(one: Status) -> tuple[str, ...]:
    name = f"{one.environment} (protected)" if one.protected else one.environment
    if one.current is None:
        return name, one.branch, "?", "?", "?", one.destination
    at = ", ".join(one.current) or "no revision"
    pending = str(len(one.pending)) if one.pending else "none"
    drift = "?" if one.drift is None else str(len(one.drift)) if one.drift else "none"
    return name, one.branch, at, "?" if one.unknown else pending, drift, one.destination


def _heads(statuses: Sequence[Status]) -> Iterator[str]:
    """Yield once what several environments share: a history with several heads."""
    for heads in dict.fromkeys(status.heads for status in statuses if status.heads):
        names = "".join(f"\n  {head}" for head in heads)
        yield f"The history has {len(heads)} heads; run `limbeck merge`:{names}"


def _details(one: Status) -> Iterator[str]:
    if one.problem:
        yield f"{one.environment}: {one.problem.message}"
        if one.problem.hint:
            yield f"  {one.problem.hint}"
    if one.unknown:
        ids = ", ".join(one.unknown)
        if one.squash:
            yield f"{one.environment}: {one.squash} has replaced revision {ids}, and more after it"
            yield f"  {way_out(one.squash, one.unknown[0])}"
        else:
            yield f"{one.environment}: no file holds revision {ids}"
    for revision in one.edited:
        yield f"{one.environment}: edited after it was applied: {revision}"
    for id_ in one.deleted:
        yield f"{one.environment}: applied, and in no file any more: {id_}"
    for id_, steps in one.interrupted:
        yield f"{one.environment}: revision {id_} was interrupted after step {steps}"
    if one.pending:
        yield f"{one.environment}, pending:"
        yield from (f"  {revision.id}  {revision.message}" for revision in one.pending)
    yield from _phases(one)
    if one.drift:
        objects = counted(len(one.drift), "object")
        yield f"{one.environment}, drift ({objects}: + only here, - missing here, ~ different):"
        yield from (f"  {change_line(change)}" for change in one.drift)


def _phases(one: Status) -> Iterator[str]:
    if open_ := [each for each in one.phases if each.phase != "contracted"]:
        yield f"{one.environment}, changes without downtime:"
        yield from (f"  {each.change}: {_phase(each)}" for each in open_)
    for line in waiting_lines(one.waiting):
        yield f"  {line}" if line.startswith(" ") else f"{one.environment}: {line}"


def _phase(one: Standing) -> str:
    if one.filled is None or not one.total:
        return one.phase
    return f"{one.phase}, {100 * one.filled // one.total} % of its rows backfilled"


def _fields(one: Status) -> dict[str, Any]:
    return {
        "environment": one.environment,
        "branch": one.branch,
        "protected": one.protected,
        "destination": one.destination,
        "current": None if one.current is None else list(one.current),
        "applied": [{"id": each.id, "message": each.message} for each in one.applied],
        "pending": [{"id": each.id, "message": each.message} for each in one.pending],
        "unknown": list(one.unknown),
        "edited": [each.id for each in one.edited],
        "deleted": list(one.deleted),
        "interrupted": [{"id": id_, "done": steps} for id_, steps in one.interrupted],
        "drift": None if one.drift is None else changes_data(one.drift),
        "changes": [
            {"change": each.change, "phase": each.phase, "filled": each.filled, "total": each.total}
            for each in one.phases
        ],
        "waiting": waiting_data(one.waiting),
        "heads": [head.id for head in one.heads],
        "problem": one.problem.message if one.problem else None,
        "clean": one.clean,
    }
