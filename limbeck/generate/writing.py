"""What generate does when there is something to write: the ways to write it, and the proof."""

from __future__ import annotations

from dataclasses import dataclass, replace

from limbeck.errors import ConfigurationError, ProofError
from limbeck.events import Listener, Notice, StageStarted
from limbeck.generate import bodies, phased
from limbeck.generate.answers import Answers
from limbeck.generate.draft import Draft, draft
from limbeck.generate.generated import Generated
from limbeck.generate.narrowing import concerned, narrowed
from limbeck.generate.proof import Premises, proven
from limbeck.generate.questions import agree_to_losses, agree_to_renames, inverse, values
from limbeck.generate.rendering.body import render
from limbeck.generate.rendering.message import message as message_of
from limbeck.history.history import History
from limbeck.phased.expand import choosing
from limbeck.phased.expand.choosing import Change
from limbeck.phased.online import online
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.diff import compare
from limbeck.schema.diff.steps import Step
from limbeck.shadow.models import Models
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to write the revision; `flaw` says what it is not, where it is not the best.

    `unchecked` leaves the bodies of functions as they are.
    """

    upgrade: tuple[Step, ...]
    downgrade: tuple[Step, ...]
    plain_sql: bool = False
    flaw: str = ""
    unchecked: bool = False


@dataclass(frozen=True, slots=True)
class _Work:
    """What the revision has to do, both ways, and what it runs on."""

    project: Project
    replay: Replay
    before: Catalog
    after: Catalog
    ways: tuple[_Way, ...]
    answers: Answers
    listen: Listener


def revision(
    project: Project,
    profile: Profile | None,
    message: str | None,
    answers: Answers,
    listen: Listener,
) -> Generated:
    """Make both catalogs, and write the revision that takes one to the other, if they differ."""
    replay = Replay(project, "head", profile, listen)
    before = replay.catalog()
    after = Models(project, profile, listen).catalog()
    if not before.changes_to(after):
        return Generated()
    renamed = agree_to_renames(before, after, answers)
    if answers.only:
        after = narrowed(project, replay, (before, after), renamed, answers.only)
        renamed = concerned(answers.only, renamed)
    upgrade = compare.steps(before, after, renamed)
    downgrade = compare.steps(after, before, inverse(renamed))
    agree_to_losses(upgrade, answers)
    text, history = message or message_of(upgrade), History.of(project, profile)
    in_phases = _usual(project, profile) if answers.phased is None else answers.phased
    if answers.values and not in_phases:
        raise ConfigurationError(
            "--value is for changes without downtime", hint="Add --zero-downtime."
        )
    change = Change(before, after, renamed, values(answers, before, after))
    if in_phases and (choice := choosing.choose(upgrade, change)).breaks:
        with draft(project, history) as unfinished:
            work = phased.Work(project, replay, change, choice, listen)
            return phased.written(work, unfinished, text)
    ways = _ways(project, before, after, _Way(upgrade, downgrade))
    plain = _Work(project, replay, before, after, ways, answers, listen)
    with draft(project, history) as unfinished:
        return _written(plain, unfinished, text)


def _usual(project: Project, profile: Profile | None) -> bool:
    """Whether changes are made in phases unless it is said: one environment is enough to ask."""
    apart = profile.versions if profile else None
    return project.zero_downtime or any(
        each.zero_downtime for each in project.profiles() if each.versions == apart
    )


def _ways(project: Project, before: Catalog, after: Catalog, plain: _Way) -> tuple[_Way, ...]:
    """Return the ways to write a change, the best first: what does not prove is not kept."""
    locking, sql = "locks for longer than it needs to", "is written in plain SQL"
    last = (
        replace(plain, flaw=locking),
        # The steps' own SQL says the same with nothing between it and the server.
        replace(plain, plain_sql=True, flaw=f"{locking}, and {sql}"),
    )
    if project.recipes == "plain":
        return (plain, replace(plain, plain_sql=True, flaw=sql))
    beside = _Way(
        online.steps(plain.upgrade, before, after), online.steps(plain.downgrade, after, before)
    )
    first = (beside, replace(beside, plain_sql=True, flaw=sql))
    return first if (beside.upgrade, beside.downgrade) == _both(plain) else first + last


def _both(way: _Way) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    return way.upgrade, way.downgrade


def _written(work: _Work, unfinished: Draft, message: str) -> Generated:
    *firsts, last = work.ways
    for way, other in zip(firsts, work.ways[1:], strict=True):
        try:
            return _attempts(work, unfinished, message, way)
        except bodies.BodiesError:
            raise  # which no other way to write it changes
        except ProofError as error:
            work.listen(Notice(f"the revision {other.flaw}: {error.message}"))
    return _attempts(work, unfinished, message, last)


def _attempts(work: _Work, unfinished: Draft, message: str, way: _Way) -> Generated:
    return bodies.attempted(
        (*way.upgrade, *way.downgrade),
        lambda unchecked: _attempt(work, unfinished, message, replace(way, unchecked=unchecked)),
    )


def _attempt(work: _Work, unfinished: Draft, message: str, way: _Way) -> Generated:
    how = {"plain_sql": way.plain_sql, "unchecked": way.unchecked}
    written = unfinished.write(
        message,
        render(way.upgrade, work.before, work.after, **how),
        render(way.downgrade, work.after, work.before, **how),
    )
    work.listen(StageStarted("proving the revision on the shadow"))
    shadow = Shadow.of(work.project, work.replay.profile, listen=work.listen)
    premises = Premises(work.project, shadow, work.replay.template(), work.before, work.after)
    with proven(premises, unfinished.history, written) as (database, catalog):
        if way.unchecked:
            _look_at_bodies(work, database)
        unfinished.keep()
        work.replay.adopt(database.dbname, catalog)
    kept = work.replay.history.find(written.id)[0]
    return Generated(kept, way.upgrade, readable=not way.plain_sql)


def _look_at_bodies(work: _Work, database: Database) -> None:
    """Refuse functions whose bodies are still wrong when everything is there, or tell of them."""
    found = bodies.refused(database, work.before, work.after)
    if found and not work.answers.any_body:
        raise bodies.BodiesError(found)
    for address, said in found.items():
        work.listen(Notice(f"{address} is kept as it is, but cannot be called: {said}"))
