"""Rules about what applications live through between two commits of a revision."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from limbeck.lint.probes.gaps import Gap
from limbeck.lint.probes.passage import Passage
from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Find, Finding, Rule
from limbeck.lint.trace.statement import Statement

_PHASED = ("expand", "contract")


def _gaps(*kinds: str, phased: bool) -> Find:
    """Find the gaps of these kinds that a statement opens, in a phase or in a plain revision."""

    def find(change: Change) -> Iterator[Finding]:
        passage = change.trace.passage
        if passage is None or (passage.role in _PHASED) != phased:
            return
        for gap in passage.gaps:
            if gap.kind in kinds and _opens(change, gap):
                yield _finding(change, passage, gap)

    return find


def _opens(change: Change, gap: Gap) -> bool:
    statements = change.trace.statements
    return change.statement is next(filter(_is(gap), statements), statements[-1])


def _is(gap: Gap) -> Callable[[Statement], bool]:
    line = (gap.where or "").rpartition(":")[2]

    def matches(statement: Statement) -> bool:
        same_line = not line.isdigit() or not statement.line or statement.line == int(line)
        return statement.text == gap.begins and same_line

    return matches


def _finding(change: Change, passage: Passage, gap: Gap) -> Finding:
    names = {gap.relation.name, f"{gap.relation.schema}.{gap.relation.name}"}
    facts = change.start.relations
    oid = next((oid for oid, relation in facts.items() if str(relation) in names), None)
    values = {
        "sentence": gap.sentence,
        "name": f"{gap.relation.schema}.{gap.relation.name}",
        "until": f"until {_line(gap.ends)}" if gap.ends else "from then on",
        "first": gap.first,
        "last": gap.last,
    }
    # Before a contract nothing breaks: the new application only cannot do yet what it allows.
    early = passage.role == "contract" and gap.first == 0
    return Finding(oid, values, "early" if early else "", "note" if early else None)


def _line(text: str, longest: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


RULES = (
    Rule("gap-between-commits", _gaps("fails", "hidden", phased=False)),
    Rule("open-between-commits", _gaps("shown", "allowed", phased=False)),
    Rule("phase-breaks-application", _gaps("fails", "hidden", "shown", "apart", phased=True)),
    Rule(
        "loses-privileges",
        lambda change: (
            finding
            for phased in (False, True)
            for finding in _gaps("privileges", phased=phased)(change)
        ),
    ),
)
