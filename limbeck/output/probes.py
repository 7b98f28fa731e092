"""What applications live through while a revision runs, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from limbeck.plurals import counted

if TYPE_CHECKING:
    from limbeck.lint.probes.gaps import Gap
    from limbeck.lint.probes.passage import Passage
    from limbeck.output.answers.parts import GapData, PassageData


def count(passages: Sequence[Passage]) -> str:
    """Return the commit points and the probes in words; "" where nothing was probed."""
    probed = [passage for passage in passages if passage.probes]
    if not probed:
        return ""
    commits = counted(sum(passage.commits for passage in probed), "commit point")
    return f"{commits} ({counted(sum(len(passage.probes) for passage in probed), 'probe')})"


def lines(passages: Sequence[Passage]) -> Iterator[str]:
    """Yield the gaps, and what could not be probed."""
    for passage in passages:
        early = [gap for gap in passage.gaps if passage.role == "contract" and not gap.first]
        for gap in early:
            yield f"Until the contract has run, {gap.sentence}."
        gaps = [gap for gap in passage.gaps if gap not in early]
        for gap in gaps:
            yield f"Applications are interrupted: {gap}."
        if gaps:
            yield "`limbeck lint` reports this as a blocking hazard; migrate when nothing runs."
        if passage.problem:
            yield f"The commit points could not be probed: {passage.problem}"
        if passage.empty:
            names = ", ".join(f"{each.schema}.{each.name}" for each in passage.empty)
            yield f"Probed without rows, because none could be made: {names}."
        if passage.unprobed:
            yield f"Not probed: {counted(len(passage.unprobed), 'further table or view')}."
        if passage.probes and not passage.roles:
            yield "Probed as the connecting role only, which may create no other on this server."


def data(passage: Passage) -> PassageData:
    """Return a passage for JSON, with each probe and its outcome at each commit point."""
    return {
        "commits": passage.commits,
        "points": [[text for text, _ in point.statements] for point in passage.points],
        "roles": ["owner", *passage.roles],
        "probes": [
            {
                "relation": f"{probe.relation.schema}.{probe.relation.name}",
                "action": probe.action,
                "sql": probe.sql,
                "role": probe.role or "owner",
                "outcomes": [point.outcomes[number].state for point in passage.points],
            }
            for number, probe in enumerate(passage.probes)
        ],
        "gaps": [gap_data(gap) for gap in passage.gaps],
        "empty": [f"{each.schema}.{each.name}" for each in passage.empty],
        "unprobed": [f"{each.schema}.{each.name}" for each in passage.unprobed],
        "problem": passage.problem,
    }


def gap_data(gap: Gap) -> GapData:
    """Return a gap for JSON."""
    return {
        "kind": gap.kind,
        "relation": f"{gap.relation.schema}.{gap.relation.name}",
        "actions": list(gap.actions),
        "roles": [role or "owner" for role in gap.roles],
        "message": gap.message,
        "first": {"commit": gap.first, "statement": gap.begins, "where": gap.where},
        "last": {"commit": gap.last, "ended_by": gap.ends},
    }
