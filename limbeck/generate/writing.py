"""Write a changed schema as a revision: its possible forms, and their proof."""

from __future__ import annotations

from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError, ProofError
from limbeck.events import Listener, Notice, StageStarted
from limbeck.generate import bodies, casting, elsewhere, joining
from limbeck.generate.answers import Answers
from limbeck.generate.draft import Draft, draft
from limbeck.generate.elsewhere import Elsewhere, Majors
from limbeck.generate.generated import Generated
from limbeck.generate.narrowing import concerned, narrowed
from limbeck.generate.passage import Draft as ProbedDraft
from limbeck.generate.passage import GapError, accept, passed, unavoidable
from limbeck.generate.proof import Premises, proven
from limbeck.generate.questions import agree_to_losses, agree_to_renames, inverse, values
from limbeck.generate.rendering.body import render
from limbeck.generate.rendering.message import message as message_of
from limbeck.history.history import History
from limbeck.phased.expand.change import Change
from limbeck.phased.online import online
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.parted import Parted
from limbeck.schema.diff import compare, recreated
from limbeck.schema.diff.steps import Step
from limbeck.shadow import identity
from limbeck.shadow.models import Models, Recorded
from limbeck.shadow.replay import Replay
from limbeck.shadow.settled import settle
from limbeck.shadow.shadow import Shadow
from limbeck.stages import staged

PROVING = "proving the revision on the shadow"


@dataclass(frozen=True, slots=True)
class _Form:
    """A form of the revision; `flaw` says how it falls short of the best one.

    `unchecked` skips the check of function bodies. `torn` are gaps for applications, as
    sentences, that are accepted because no other form avoids them.
    """

    upgrade: tuple[Step, ...]
    downgrade: tuple[Step, ...]
    plain_sql: bool = False
    flaw: str = ""
    unchecked: bool = False
    torn: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Task:
    """The change to write and the history it follows; the best form is the first.

    `elsewhere` is the same change on other majors, where the revision has to be proved, too.
    """

    project: Project
    replay: Replay
    before: Catalog
    after: Catalog
    forms: tuple[_Form, ...]
    answers: Answers
    listen: Listener
    elsewhere: tuple[Elsewhere, ...] = ()


def revision(
    project: Project,
    profile: Profile | None,
    message: str | None,
    answers: Answers,
    listen: Listener,
) -> Generated:
    """Write the revision between the catalogs of the history and of the models, if they differ.

    The arguments and the errors are those of `generate.revision`.
    """
    chosen = elsewhere.choose(project, profile, listen)
    generated = _revision(chosen, profile, message, answers, listen)
    if generated.revision is None:
        return generated
    return replace(generated, missing=chosen.missing, declared=chosen.declared)


def _revision(
    chosen: Majors,
    profile: Profile | None,
    message: str | None,
    answers: Answers,
    listen: Listener,
) -> Generated:
    with Shadow.of(chosen.project, profile, listen=listen).opened() as shadow:
        known = identity.known(chosen.project, profile, shadow.session)
        opened = replace(shadow, identity=known)
        replay = Replay(chosen.project, "head", profile, listen, opened=opened)
        return _replayed(replay, chosen, message, answers)


def _settled(project: Project, before: Catalog, after: Catalog, listen: Listener) -> Catalog:
    """Return the models' catalog without what the project accepts, and report how much that is."""
    settled = settle(project, before, after)
    for text in settled.notes():
        listen(Notice(text))
    return settled.catalog


def _replayed(replay: Replay, chosen: Majors, message: str | None, answers: Answers) -> Generated:
    project, profile, listen = replay.project, replay.profile, replay.listen
    before = replay.catalog()
    recorded = Recorded(replay, before)
    after = Models(project, profile, listen, opened=replay.opened, recorded=recorded).catalog()
    after = _settled(project, before, after, listen)
    if not before.changes_to(after):
        return Generated(tables=Parted.tables(after))
    renamed = agree_to_renames(before, after, answers)

    def only(project: Project, replay: Replay, ends: tuple[Catalog, Catalog]) -> Catalog:
        return narrowed(project, replay, ends, renamed, answers.only) if answers.only else ends[1]

    after = only(project, replay, (before, after))
    others = tuple(elsewhere.change(each, profile, only, listen) for each in chosen.others)
    if answers.only:
        renamed = concerned(answers.only, renamed)
    conversions = casting.agree(replay, before, after, renamed, answers)
    upgrade = compare.steps(before, after, renamed, using=conversions.upgrade)
    downgrade = compare.steps(after, before, inverse(renamed), using=conversions.downgrade)
    agree_to_losses(upgrade, answers)
    text, history = message or message_of(upgrade), History.of(project, profile)
    in_phases = _default(project, profile) if answers.phased is None else answers.phased
    if answers.values and not in_phases:
        raise ConfigurationError(
            "--value is for changes without downtime", hint="Add --zero-downtime."
        )
    filled = values(answers, before, after)
    change = Change(before, after, renamed, filled, conversions.upgrade, conversions.downgrade)
    if in_phases:
        from limbeck.generate import phased  # noqa: PLC0415 - most revisions are plain

        if task := phased.task(replay, change, upgrade, others):
            with draft(project, history) as unfinished:
                return phased.written(task, unfinished, text)
    forms = _forms(project, before, after, _Form(upgrade, downgrade))
    forms = tuple(_preserving(form, change) for form in forms)
    plain = _Task(project, replay, before, after, forms, answers, listen, others)
    with draft(project, history) as unfinished:
        return _written(plain, unfinished, text)


def _default(project: Project, profile: Profile | None) -> bool:
    """Return whether the settings ask for phases; one environment of the history is enough."""
    versions = profile.versions if profile else None
    return project.zero_downtime or any(
        each.zero_downtime for each in project.profiles() if each.versions == versions
    )


def _forms(project: Project, before: Catalog, after: Catalog, plain: _Form) -> tuple[_Form, ...]:
    """Return the forms of a change, the best first; each is tried if those before do not prove."""
    locking, sql = "locks for longer than it needs to", "is written in plain SQL"
    last = (
        replace(plain, flaw=locking),
        # The steps' own SQL is the last resort: op.* calls may render it differently.
        replace(plain, plain_sql=True, flaw=f"{locking}, and {sql}"),
    )
    if project.recipes == "plain":
        return (plain, replace(plain, plain_sql=True, flaw=sql))
    recipes = _Form(
        online.steps(plain.upgrade, before, after), online.steps(plain.downgrade, after, before)
    )
    first = (recipes, replace(recipes, plain_sql=True, flaw=sql))
    return first if _steps(recipes) == _steps(plain) else first + last


def _preserving(form: _Form, change: Change) -> _Form:
    """Return a form that keeps what only the target has of objects that are created again."""
    before, after, renamed = change.before, change.after, change.renamed
    return replace(
        form,
        upgrade=recreated.preserving(form.upgrade, before, after, renamed),
        downgrade=recreated.preserving(form.downgrade, after, before, inverse(renamed)),
    )


def _steps(form: _Form) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    return form.upgrade, form.downgrade


def _written(task: _Task, unfinished: Draft, message: str) -> Generated:
    *firsts, last = task.forms
    for form, other in zip(firsts, task.forms[1:], strict=True):
        try:
            return _attempts(task, unfinished, message, form)
        except bodies.BodiesError:
            raise  # the other forms have the same bodies
        except GapError as error:
            return _without_gaps(task, unfinished, message, form, error)
        except ProofError as error:
            task.listen(Notice(f"the revision {other.flaw}: {error.message}"))
    try:
        return _attempts(task, unfinished, message, last)
    except GapError as error:
        return _without_gaps(task, unfinished, message, last, error)


def _without_gaps(
    task: _Task, unfinished: Draft, message: str, form: _Form, error: GapError
) -> Generated:
    """Write a form without the gaps of one, or that one where every form has gaps."""
    task.listen(StageStarted("joining steps that applications must not see apart"))
    orders = joining.joined(form.upgrade, error.passages[0])
    plain = [each for each in task.forms if each is not form and not each.plain_sql]
    torn = unavoidable(error)
    for other in [*(replace(form, upgrade=order) for order in orders), *plain]:
        try:
            return _attempts(task, unfinished, message, replace(other, torn=torn))
        except bodies.BodiesError:
            raise
        except ProofError:
            continue
    every = frozenset(gap.sentence for gap in error.gaps)
    return _attempts(task, unfinished, message, replace(form, torn=every))


def _attempts(task: _Task, unfinished: Draft, message: str, form: _Form) -> Generated:
    return bodies.attempted(
        (*form.upgrade, *form.downgrade),
        lambda unchecked: _attempt(task, unfinished, message, replace(form, unchecked=unchecked)),
    )


def _attempt(task: _Task, unfinished: Draft, message: str, form: _Form) -> Generated:
    how = {"plain_sql": form.plain_sql, "unchecked": form.unchecked}
    written = unfinished.write(
        message,
        render(form.upgrade, task.before, task.after, **how),
        render(form.downgrade, task.after, task.before, **how),
    )
    count = len(form.upgrade) + len(form.downgrade)
    replay = task.replay
    premises = Premises(task.project, replay.shadow, replay.template(), task.before, task.after)
    with (
        staged(task.listen, PROVING, "statement", count) as stage,
        proven(premises, unfinished.history, written, stage) as (database, catalog),
    ):
        if form.unchecked:
            _check_bodies(task, database)
        passage = passed(
            premises,
            task.replay.profile,
            ProbedDraft(unfinished.history, written, form.upgrade),
        )
        accept([passage], form.torn)
        if task.project.part == "tenants":
            from limbeck.generate import tenants  # noqa: PLC0415 - most projects have none

            tenants.prove(premises, unfinished.history, written, task.listen)
        for other in task.elsewhere:
            other.prove(unfinished.history, [written])
        unfinished.keep()
        task.replay.adopt(database.dbname, catalog)
    revision = task.replay.history.find(written.id)[0]
    proved = (catalog.major, *(other.major for other in task.elsewhere))
    return Generated(
        revision,
        form.upgrade,
        readable=not form.plain_sql,
        majors=proved,
        passages=(passage,),
    )


def _check_bodies(task: _Task, database: Database) -> None:
    """Refuse functions whose bodies Postgres rejects after the whole revision, or report them."""
    errors = bodies.refused(database, task.before, task.after)
    if errors and not task.answers.any_body:
        raise bodies.BodiesError(errors)
    for address, error in errors.items():
        task.listen(Notice(f"{address} is kept as it is, but cannot be called: {error}"))
