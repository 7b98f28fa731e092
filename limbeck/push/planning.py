"""Plan a push: compare a database with the models, ask, and prove the statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.engine import ledger, pushes, state, version_table
from limbeck.engine.pushes import Push, Pushed
from limbeck.engine.state import State
from limbeck.errors import ConfigurationError, ProofError
from limbeck.events import Listener, Notice
from limbeck.generate import bodies, casting
from limbeck.generate.answers import Answers
from limbeck.generate.questions import agree_to_losses, agree_to_renames
from limbeck.generate.rendering.message import message
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.logs import log
from limbeck.phased.online import online
from limbeck.plurals import counted, nouns
from limbeck.postgres.connect import connect, refuse_pooler
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.project.seen import note
from limbeck.push.draft import written
from limbeck.push.plan import Plan
from limbeck.push.proof import PremiseError, Proof
from limbeck.run import apart
from limbeck.run.pushed import rows
from limbeck.schema.catalog import difference
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.difference import Mark
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare, recreated
from limbeck.schema.diff.steps import Step
from limbeck.shadow import identity
from limbeck.shadow.filters import filters
from limbeck.shadow.models import Models, Recorded
from limbeck.shadow.replay import Replay, searched
from limbeck.shadow.settled import settle, without_ignored
from limbeck.shadow.shadow import Shadow
from limbeck.shell import command

NO_ANSWERS = Answers()


@dataclass(frozen=True, slots=True)
class _Seen:
    """A database as it is now; `current` are the rows of its version table."""

    state: State
    current: tuple[str, ...]
    live: Catalog
    since: Mark
    path: tuple[str, ...]
    pushed: Pushed | None


def plan(
    project: Project,
    profile: Profile,
    database: Database,
    *,
    answers: Answers = NO_ANSWERS,
    listen: Listener = log,
) -> Plan:
    """Return the plan that brings a database to the schema of the models; it is only read.

    Args:
        project: The project, with its history and its models.
        profile: The environment.
        database: Its database.
        answers: Answers to questions about renames, types and losses.
        listen: Receives the stages and notices.

    Raises:
        ConfigurationError: The environment is protected, or revisions are pending there.
        SeveralHeadsError: Two revisions follow the same one.
        ModelsError: The models do not import, or Postgres cannot create them.
        NotConfirmedError: A rename or a loss of data was not confirmed.
        ProofError: The statements do not make the schema of the models.

    """
    refuse_protected(profile)
    answers = replace(answers, otherwise="nothing was changed")
    history = History.of(project, profile)
    with history.held():
        seen = _seen(project, profile, history, database, listen)
        with apart.explaining(history, seen.current, profile.name):
            history.find("head")  # refuses several
        _refuse_half_done(profile, seen)
        beside = project.on(seen.live.major)
        with _opened(beside, profile, listen) as shadow:
            base = _base(profile, history, seen)
            ids = ",".join(base) or "base"
            own = Replay(beside, ids, profile, listen, seen.path, opened=shadow)
            recorded = own.catalog()
            known = Recorded(own, recorded)
            models = Models(beside, profile, listen, shadow, recorded=known).catalog()
            settled = settle(project, recorded, models)
            for text in settled.notes():
                listen(Notice(text))
            proof = Proof(
                own,
                recorded,
                without_ignored(project, settled.catalog, seen.live),
                settled.catalog,
            )
            steps, text = _proven(project, proof, answers)
    restores = base == seen.current and not recorded.changes_to(settled.catalog)
    return Plan(
        environment=profile.name,
        destination=database.destination,
        current=seen.current,
        pushed=seen.pushed,
        steps=steps,
        tables=sum(1 for _ in settled.catalog.every(Table)),
        push=Push(
            base,
            message(steps) if steps else "",
            tuple(step.sql for step in steps),
            settled.catalog.fingerprint(),
            restores=restores,
            earlier=(seen.pushed.interrupted or 0) if seen.pushed else 0,
        ),
        text=text,
        live=seen.live,
        since=seen.since,
        project=project,
        profile=profile,
        database=database,
    )


def refuse_protected(profile: Profile) -> None:
    """Raise a ConfigurationError for a protected environment."""
    if profile.protected:
        raise ConfigurationError(
            f"{profile.name} is protected: a push leaves no revision behind; nothing was changed",
            hint=f"Write a revision and apply it: `{profile.generate}`, then "
            f"`{command('limbeck', 'migrate', '-e', profile.name)}`.",
        )


def _seen(
    project: Project, profile: Profile, history: History, database: Database, listen: Listener
) -> _Seen:
    with connect(database, read_only=True, listen=listen) as connection:
        start = state.read(connection, version_table.of(history, connection))
        refuse_pooler(database, start.session)
        note(project, profile, connection.info.server_version)
        current = apart.current(history, start, profile, database)
        since = difference.mark(connection)
        live, path = read(connection, filters=filters(project)), searched(connection)
        user = connection.info.user
    if live.unreadable:
        names = ", ".join(live.unreadable)
        listen(Notice(f"{profile.name}: role {user} may not read {names}; left out"))
    return _Seen(start, current, live, since, path, pushes.outstanding(start.ledger))


@contextmanager
def _opened(project: Project, profile: Profile, listen: Listener) -> Iterator[Shadow]:
    """Yield the shadow with one session for all steps of the plan."""
    with Shadow.of(project, profile, listen=listen).opened() as shadow:
        yield replace(shadow, identity=identity.known(project, profile, shadow.session))


def _base(profile: Profile, history: History, seen: _Seen) -> tuple[str, ...]:
    """Return the revisions that the schema of the database counts as having.

    They are more than its version rows say where revisions hold what was pushed, or do nothing that
    another push could not do as well.

    Raises:
        ConfigurationError: Revisions are pending that have to run.

    """
    base, known = seen.current, {revision.id for revision in history.revisions()}
    if seen.pushed is not None and known.issuperset(seen.pushed.base):
        base = seen.pushed.base
    missing = {
        *ledger.late(history, seen.current, seen.state.ledger),
        *history.pending(base, "head"),
    }
    pending = [each for each in history.revisions() if each in missing]
    if not pending:
        return base
    if seen.pushed is None or any(True for each in pending for _ in rows(history, each)):
        raise _pending(profile, pending)
    applied = {each.id for each in history.applied(base)}
    return history.tops(applied | {each.id for each in pending})


def _pending(profile: Profile, pending: Sequence[Revision]) -> ConfigurationError:
    names = "".join(f"\n  {revision}" for revision in pending)
    verb = nouns(len(pending), "is", "are")
    return ConfigurationError(
        f"{counted(len(pending), 'revision')} {verb} pending on {profile.name}; "
        f"nothing was changed:{names}",
        hint="Migrate first, because a push would not do what they do to rows: "
        + command("limbeck", "migrate", "-e", profile.name),
    )


def _refuse_half_done(profile: Profile, seen: _Seen) -> None:
    for entry in seen.state.ledger.interrupted().values():
        verb = "rollback" if entry.action == "downgrade" else "migrate"
        raise ConfigurationError(
            f"revision {entry.revision} was interrupted on {profile.name} after step "
            f"{entry.steps}; nothing was changed",
            hint=f"Continue it first: {command('limbeck', verb, '-e', profile.name)}",
        )


def _proven(project: Project, proof: Proof, answers: Answers) -> tuple[tuple[Step, ...], str]:
    """Return the steps of the push and its draft; the first form that proves."""
    before, after = proof.before, proof.after
    if not before.changes_to(after):
        return (), written((), before, after)
    renamed = agree_to_renames(before, after, answers)
    using = casting.agree(proof.replay, before, after, renamed, answers).upgrade
    plain = compare.steps(before, after, renamed, using=using)
    agree_to_losses(plain, answers)
    forms = [plain] if project.recipes == "plain" else [online.steps(plain, before, after), plain]
    *firsts, last = (recreated.preserving(form, before, after, renamed) for form in forms)
    for form in firsts:
        try:
            return form, proof.proven(form)
        except (bodies.BodiesError, PremiseError):
            raise  # the other form has the same bodies, and starts from the same schema
        except ProofError as error:
            proof.replay.listen(Notice(f"the push locks for longer: {error.message}"))
    return last, proof.proven(last)
