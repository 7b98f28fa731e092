"""Apply the rules to a trace, and put what they find into words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from limbeck.lint.rules.change import Change, Target
from limbeck.lint.rules.hazard import Finding, Hazard, Rule, Size, blocks, spelt
from limbeck.lint.rules.pages import page, words
from limbeck.lint.rules.simple import failures
from limbeck.lint.trace.statement import strength
from limbeck.lint.trace.tracing import Trace


def _long_work_under_lock(change: Change) -> Iterator[Finding]:
    for table in sorted(change.blocked):
        yield Finding(table, case="rewrite" if table in change.rewritten else "")


def _fails_on_rows(change: Change) -> Iterator[Finding]:
    refused = change.trace.refused
    if refused and refused.failure and refused.text == change.statement.text:
        known = change.before.relations.items()
        named = [oid for oid, table in known if table.name == refused.failure.table]
        if named and all(map(change.is_empty, named)):
            return
        yield Finding(values={"failure": refused.failure})


LONG_WORK = Rule("long-work-under-lock", _long_work_under_lock)
FAILURES = (
    Rule("fails", failures(lambda _: True)),
    Rule("fails-on-rows", _fails_on_rows),
)
FALLBACKS = (LONG_WORK, *FAILURES)
"""Rules that apply only where none of the others explains a blocking hazard."""


def judge(rules: Sequence[Rule], trace: Trace, target: Target | None = None) -> tuple[Hazard, ...]:
    """Return the hazards of a traced revision, in the order of its statements."""
    hazards: list[Hazard] = []
    # No other rule is about what is new, of which a revision may create thousands.
    every = trace.refused is not None or (trace.passage is not None and trace.passage.gaps)
    altered = _altered(trace)
    for place, statement in enumerate(trace.statements):
        if statement.new and not every:
            continue
        change = Change(trace, statement, target, place, altered)
        explained = _apply(rules, change)
        hazards += explained
        blocking = [hazard for hazard in explained if hazard.level == "blocking"]
        if not any(hazard.blocks for hazard in blocking):
            hazards += _apply([LONG_WORK], change)
        if not blocking:
            hazards += _apply(FAILURES, change)
    return tuple(dict.fromkeys(hazards))


def _altered(trace: Trace) -> dict[int, int]:
    """Return the place of the first ALTER TABLE that blocks a table, by tables."""
    altered: dict[int, int] = {}
    for place, statement in enumerate(trace.statements):
        if statement.tag == "ALTER TABLE":
            for table, _ in statement.blocked():
                altered.setdefault(table, place)
    return altered


def _apply(rules: Sequence[Rule], change: Change) -> list[Hazard]:
    return [_hazard(rule, finding, change) for rule in rules for finding in rule.find(change)]


def _hazard(rule: Rule, finding: Finding, change: Change) -> Hazard:
    relation = finding.relation
    name = change.name(relation) if relation is not None else None
    mode = change.mode(relation) if relation is not None else None
    size = change.size(name) if name else None
    message, recipe = words(rule.code, finding, change)
    return Hazard(
        code=rule.code,
        level=finding.level or page(rule.code).level,
        message=message,
        recipe=recipe,
        revision=change.trace.revision.id,
        path=change.trace.revision.path,
        line=change.statement.line,
        statement=" ".join(change.statement.text.split()),
        relation=name,
        lock=spelt(mode) if mode and strength(mode) > 0 else None,
        blocks=blocks(mode),
        size=Size(*size) if size else None,
    )
