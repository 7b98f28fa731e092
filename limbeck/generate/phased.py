"""Write the expand and contract revisions of a change without downtime, proven together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from limbeck.dataclass import dataclass
from limbeck.errors import ProofError
from limbeck.events import Listener, Notice, StageStarted
from limbeck.generate import bodies, joining
from limbeck.generate.draft import Draft
from limbeck.generate.elsewhere import Elsewhere
from limbeck.generate.generated import Generated
from limbeck.generate.passage import Draft as ProbedDraft
from limbeck.generate.passage import GapError, accept, passed, unavoidable
from limbeck.generate.proof import Premises, proven
from limbeck.generate.rendering.body import render
from limbeck.history.revisions import Revision
from limbeck.history.writing import slug
from limbeck.lint.probes.gaps import Role
from limbeck.lint.probes.passage import Passage
from limbeck.phased.expand import choosing, composing
from limbeck.phased.expand.change import Change
from limbeck.phased.expand.choosing import Choice
from limbeck.phased.expand.composing import Phased, RevisionSteps
from limbeck.phased.phases import Backfill
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.diff.steps import Step
from limbeck.shadow.filters import filters
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow
from limbeck.stages import Stage, staged

PROVING = "proving both revisions on the shadow"


@dataclass(frozen=True, slots=True)
class Task:
    """The change to write and the history it follows; `unchecked` skips function bodies.

    `elsewhere` is the same change on other majors, where the revisions have to be proved, too.
    `torn` are gaps for applications that are accepted, as sentences.
    """

    project: Project
    replay: Replay
    change: Change
    choice: Choice
    listen: Listener
    unchecked: bool = False
    elsewhere: tuple[Elsewhere, ...] = ()
    torn: frozenset[str] = frozenset()

    @property
    def shadow(self) -> Shadow:
        """The shadow that the revisions are proven on."""
        return self.replay.shadow


def task(
    replay: Replay, change: Change, steps: Sequence[Step], others: tuple[Elsewhere, ...] = ()
) -> Task | None:
    """Return the task of a change that breaks old applications; None where nothing has to wait.

    Args:
        replay: The history that it follows.
        change: The change.
        steps: Its steps in one revision.
        others: The same change on other majors.

    Raises:
        ConfigurationError: The change cannot be made in phases.

    """
    choice = choosing.choose(steps, change)
    if not choice.breaks:
        return None
    return Task(replay.project, replay, change, choice, replay.listen, elsewhere=others)


def written(task: Task, unfinished: Draft, message: str) -> Generated:
    """Write and prove both revisions, in op.* calls or, if those do not prove, in plain SQL.

    Raises:
        ProofError: The change cannot be phased, or the phases do not make the schema.

    """
    own, template = filters(task.project), task.replay.template()
    task.listen(StageStarted("making the change in phases"))
    with task.shadow.scratch(template) as database:
        phased = composing.compose(database, own, task.change, task.choice)
    try:
        return _whole(task, unfinished, phased, message, plain_sql=False)
    except bodies.BodiesError:
        raise  # plain SQL has the same bodies
    except ProofError as error:
        task.listen(Notice(f"the revisions are written in plain SQL: {error.message}"))
    return _whole(task, unfinished, phased, message, plain_sql=True)


def _whole(
    task: Task, unfinished: Draft, phased: Phased, message: str, *, plain_sql: bool
) -> Generated:
    """Write the phases, the contract in an order without gaps if there is one."""
    try:
        return _attempts(task, unfinished, phased, message, plain_sql=plain_sql)
    except GapError as error:
        gaps = error
    task.listen(StageStarted("joining steps that applications must not see apart"))
    torn = replace(task, torn=unavoidable(gaps))
    orders = joining.joined(phased.contract.upgrade, gaps.passages[-1])
    for order in chain(orders, [phased.plain]):
        other = replace(phased, contract=replace(phased.contract, upgrade=order))
        try:
            return _attempts(torn, unfinished, other, message, plain_sql=plain_sql)
        except bodies.BodiesError:
            raise
        except ProofError:
            continue
    torn = replace(task, torn=frozenset(gap.sentence for gap in gaps.gaps))
    return _attempts(torn, unfinished, phased, message, plain_sql=plain_sql)


def _attempts(
    task: Task, unfinished: Draft, phased: Phased, message: str, *, plain_sql: bool
) -> Generated:
    def attempt(unchecked: bool) -> Generated:  # noqa: FBT001 - the only argument
        return _attempt(replace(task, unchecked=unchecked), unfinished, phased, message, plain_sql)

    revisions = (phased.expand, phased.contract)
    steps = [step for each in revisions for step in (*each.upgrade, *each.downgrade)]
    return bodies.attempted(steps, attempt)


def _attempt(
    task: Task,
    unfinished: Draft,
    phased: Phased,
    message: str,
    plain_sql: bool,  # noqa: FBT001 - private
) -> Generated:
    name, ends, middle = slug(message, 60), task.change, phased.middle
    how = {"plain_sql": plain_sql, "unchecked": task.unchecked}
    first = None
    if phased.expand.upgrade:
        first = _write(
            unfinished, f"expand: {message}", phased.expand, (ends.before, middle), how,
            data=_expand_data(name, phased.backfills),
        )  # fmt: skip
    last = _write(
        unfinished, f"contract: {message}", phased.contract, (middle, ends.after), how,
        data=_contract_data(name, phased.uses), after=first,
    )  # fmt: skip
    count = sum(
        len(each.upgrade) + len(each.downgrade) for each in (phased.expand, phased.contract)
    )
    with staged(task.listen, PROVING, "statement", count) as stage:
        passages = _prove(task, unfinished, phased, first, last, stage=stage)
    history = task.replay.history
    revisions = [history.find(each.id)[0] for each in (first, last) if each]
    steps = (*phased.expand.upgrade, *phased.contract.upgrade)
    expand = revisions[0] if first else None
    proved = (ends.before.major, *(other.major for other in task.elsewhere))
    return Generated(
        revisions[-1],
        steps,
        readable=not plain_sql,
        expand=expand,
        majors=proved,
        passages=passages,
    )


def _write(  # noqa: PLR0913 - a revision has this many parts
    unfinished: Draft,
    message: str,
    steps: RevisionSteps,
    ends: tuple[Catalog, Catalog],
    how: Mapping[str, bool],
    *,
    data: str,
    after: Revision | None = None,
) -> Revision:
    before, end = ends
    return unfinished.write(
        message,
        render(steps.upgrade, before, end, **how),
        render(steps.downgrade, end, before, **how),
        data=data,
        after=after,
    )


def _prove(  # noqa: PLR0913 - two revisions, and how far their proof is
    task: Task,
    unfinished: Draft,
    phased: Phased,
    first: Revision | None,
    last: Revision,
    *,
    stage: Stage,
) -> tuple[Passage, ...]:
    """Prove both revisions and what applications live through, and keep the files."""
    ends, template = task.change, task.replay.template()
    contract = _Last(last, phased.contract.upgrade, phased.backfills)
    if first is None:
        premises = Premises(task.project, task.shadow, template, ends.before, ends.after)
        return _prove_last(task, unfinished, premises, contract, (), stage=stage)
    premises = Premises(task.project, task.shadow, template, ends.before, phased.middle)
    with proven(premises, unfinished.history, first, stage) as (database, _):
        expand = ProbedDraft(
            unfinished.history, first, phased.expand.upgrade, "expand", phased.backfills
        )
        passage = passed(premises, task.replay.profile, expand)
        rest = Premises(task.project, task.shadow, database.dbname, phased.middle, ends.after)
        return _prove_last(task, unfinished, rest, contract, ((first, passage),), stage=stage)


@dataclass(frozen=True, slots=True)
class _Last:
    """The contract revision, its steps, and the backfills that come before it."""

    revision: Revision
    steps: Sequence[Step]
    backfills: Sequence[Backfill]


def _prove_last(  # noqa: PLR0913 - as above
    task: Task,
    unfinished: Draft,
    premises: Premises,
    last: _Last,
    before: Sequence[tuple[Revision, Passage]],
    *,
    stage: Stage,
) -> tuple[Passage, ...]:
    with proven(premises, unfinished.history, last.revision, stage) as (database, catalog):
        refused = task.unchecked and bodies.refused(database, task.change.before, task.change.after)
        if refused:
            raise bodies.BodiesError(refused)
        # Where nothing could be prepared, the contract is the whole change, and both applications
        # have to be stopped for it anyway.
        role: Role = "contract" if before else "plain"
        draft = ProbedDraft(unfinished.history, last.revision, last.steps, role, last.backfills)
        passages = (
            *(passage for _, passage in before),
            passed(premises, task.replay.profile, draft),
        )
        accept(passages, task.torn)
        for other in task.elsewhere:
            other.prove(unfinished.history, [*(each for each, _ in before), last.revision])
        unfinished.keep()
        task.replay.adopt(database.dbname, catalog)
    return passages


def _expand_data(change: str, backfills: Sequence[Backfill]) -> str:
    lines = ['phase = "expand"', f"change = {change!r}"]
    if backfills:
        lines.append(f"backfills = {[_described(backfill) for backfill in backfills]!r}")
    return "\n".join(lines)


def _described(backfill: Backfill) -> dict[str, object]:
    fields: dict[str, object] = {
        "table": backfill.table,
        "set": dict(backfill.assignments),
        "where": backfill.where,
    }
    return fields | ({"python": backfill.python} if backfill.python else {})


def _contract_data(change: str, uses: Sequence[str]) -> str:
    lines = ['phase = "contract"', f"change = {change!r}"]
    if uses:
        lines.append(f"uses = {list(uses)!r}")
    return "\n".join(lines)
