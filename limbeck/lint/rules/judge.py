"""Let all rules look at a trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from limbeck.lint.rules.change import Change, Target
from limbeck.lint.rules.hazard import Finding, Hazard, Rule, Size, blocks, rule, spelt, waiting
from limbeck.lint.trace.statement import Statement, strength
from limbeck.lint.trace.tracing import Trace


@rule("long-work-under-lock", "blocking")
def long_work_under_lock(change: Change) -> Iterator[Finding]:
    """Work through a whole table under a strong lock that no other rule explains."""
    for table in sorted(change.blocked):
        how = "written anew" if table in change.rewritten else "read from beginning to end"
        yield Finding(
            table,
            f"{change.name(table)} is {how}; meanwhile {waiting(change, table)}",
            "Find a form that works in small steps, or choose a window.",
        )


@rule("fails", "blocking")
def fails(change: Change) -> Iterator[Finding]:
    """A statement that Postgres refuses, for a reason that no other rule explains."""
    failure = change.statement.failure
    if failure:
        yield Finding(None, f"it fails: {failure.message}", "Correct the revision.")


@rule("fails-on-rows", "warning")
def fails_on_rows(change: Change) -> Iterator[Finding]:
    """A statement that fails on invented rows, and not on empty tables."""
    refused = change.trace.refused
    if refused and refused.failure and refused.text == change.statement.text:
        yield Finding(
            None,
            f"with rows in the tables it fails: {refused.failure.message}",
            "The rows are invented; look whether real ones are like that.",
        )


LONG_WORK = (long_work_under_lock, fails, fails_on_rows)
"""Rules that speak only where none of the others has said why."""


def judge(rules: Sequence[Rule], trace: Trace, target: Target | None = None) -> tuple[Hazard, ...]:
    """Return the hazards of a traced revision, in the order of its statements."""
    found: list[Hazard] = []
    for statement in trace.statements:
        change = Change(trace, statement, target)
        mine = [hazard for one in rules for hazard in _found(one, change)]
        found += mine
        found += _unexplained(change, mine)
    return tuple(dict.fromkeys(found))


def _unexplained(change: Change, found: Sequence[Hazard]) -> Iterator[Hazard]:
    worst = any(one.level == "blocking" for one in found)
    if change.blocked and not any(one.blocks and one.level == "blocking" for one in found):
        yield from _found(long_work_under_lock, change)
    if not worst:
        yield from _found(fails, change)
        yield from _found(fails_on_rows, change)


def _found(one: Rule, change: Change) -> Iterator[Hazard]:
    for finding in one.find(change):
        yield _hazard(one, finding, change)


def _hazard(one: Rule, finding: Finding, change: Change) -> Hazard:
    relation = finding.relation
    name = change.name(relation) if relation is not None else None
    mode = change.mode(relation) if relation is not None else None
    size = change.size(name) if name else None
    revision = change.trace.revision
    return Hazard(
        code=one.code,
        level=finding.level or one.level,
        message=finding.message,
        recipe=finding.recipe,
        revision=revision.id,
        path=revision.path,
        line=change.statement.line,
        statement=_short(change.statement),
        relation=name,
        lock=spelt(mode) if mode and strength(mode) > 0 else None,
        blocks=blocks(mode),
        size=Size(*size) if size else None,
    )


def _short(statement: Statement) -> str:
    return " ".join(statement.text.split())
