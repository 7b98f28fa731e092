"""Join steps of a draft into one transaction where applications would see them half done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from limbeck.engine.statements import is_concurrent
from limbeck.lint.probes.passage import Passage
from limbeck.phased.online.transactions import ALONE
from limbeck.schema.diff.script import transactions
from limbeck.schema.diff.steps import Step

Group = list[Step]


def joined(steps: Sequence[Step], passage: Passage) -> Iterator[tuple[Step, ...]]:
    """Yield other orders of the steps without the gaps, those with the shortest locks first.

    The step that opens a gap moves to the one that closes it, or the other way round, or all in
    between join them. Whether an order makes the same schema, only its proof can tell. Where no gap
    ends, or a step sends more than one statement outside of transactions, there is none.

    Args:
        steps: The steps of the draft.
        passage: What the probes of the draft have observed.

    """
    groups = commits(steps)
    spans = sorted({(gap.first - 1, gap.last) for gap in passage.gaps if gap.ends and gap.first})
    if not spans or passage.commits != len(groups):
        return
    if len({place for span in spans for place in span}) == 2 * len(spans):
        yield _marked(_moved(groups, spans, late=True))
        yield _marked(_moved(groups, spans, late=False))
    yield _marked(_merged(groups, spans))


def commits(steps: Sequence[Step]) -> list[Group]:
    """Return the steps before each commit: of a transaction, or one that stands alone."""
    return [
        part
        for group in transactions(steps)
        for part in ([[step] for step in group] if group and group[0].outside else [group])
        if part
    ]


def _moved(groups: Sequence[Group], spans: Sequence[tuple[int, int]], *, late: bool) -> list[Group]:
    """Return the groups with the two ends of each span in one transaction, at its end or start."""
    ends = {last: first for first, last in spans} if late else dict(spans)
    gone = {first for first, _ in spans} if late else {last for _, last in spans}
    result: list[Group] = []
    for number, group in enumerate(groups):
        if number in gone:
            continue
        pair = [group, groups[ends[number]]] if number in ends else [group]
        if late:
            pair.reverse()
        result += _together(pair)
    return result


def _merged(groups: Sequence[Group], spans: Sequence[tuple[int, int]]) -> list[Group]:
    """Return the groups with each span in one transaction."""
    result: list[Group] = []
    number = 0
    while number < len(groups):
        last = number
        for first, end in spans:
            if first <= last <= end:
                last = end
        result += _together(groups[number : last + 1]) if last > number else [groups[number]]
        number = last + 1
    return result


def _together(groups: Sequence[Group]) -> list[Group]:
    """Return one transaction of groups; what cannot run in one follows it."""
    if len(groups) == 1:
        return [*groups]
    steps = [step for group in groups for step in group]
    inside = [
        replace(step, outside=False, note=None if step.note == ALONE else step.note)
        for step in steps
        if not is_concurrent(step.sql)
    ]
    alone = [[step] for step in steps if is_concurrent(step.sql)]
    return [inside, *alone] if inside else alone


def _marked(groups: Sequence[Group]) -> tuple[Step, ...]:
    """Return the steps of groups, marked where another transaction begins."""
    steps: list[Step] = []
    for group in groups:
        begins = bool(steps) and not steps[-1].outside and not group[0].outside
        steps.append(replace(group[0], begins=begins))
        steps += [replace(step, begins=False) for step in group[1:]]
    return tuple(steps)
