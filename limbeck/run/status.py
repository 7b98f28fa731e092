"""The state of an environment, and what a check finds wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from limbeck.dataclass import dataclass
from limbeck.engine.pushes import Pushed
from limbeck.errors import LimbeckError
from limbeck.history.baseline import Baseline
from limbeck.history.revisions import Revision, way_out
from limbeck.phased.gates.standing import Standing
from limbeck.phased.gates.waiting import Waiting
from limbeck.plurals import counted, listed
from limbeck.run import apart
from limbeck.run.drift import named
from limbeck.schema.catalog.catalog import Change
from limbeck.shell import command

RESTORE = "Restore the file, and put the change into a new revision."


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one environment.

    Args:
        environment: The name of its profile.
        branch: The database branch.
        protected: Whether its profile is protected.
        destination: Its address, without the password.
        current: The rows of its version table, () before the first revision; None when the
            database could not be read.
        applied: The revisions that it holds.
        pending: The revisions that it lacks.
        unknown: Current revisions without a file; `unknown_text` has what the ledger says of them.
        squash: The revision that has replaced an unknown one.
        edited: Applied revisions whose SQL was edited since, by the database's ledger.
        deleted: Applied revisions whose files are missing.
        interrupted: Revisions that were interrupted, with the number of completed steps.
        downgrading: Those of them that were interrupted on the way down.
        drift: The differences from a replay of its own revision; None when unknown.
        problem: Why its database could not be read.
        phases: The phase of each change without downtime.
        waiting: Contract revisions on hold, which `migrate` leaves out.
        heads: The heads of its history, if there are several.
        baseline: What its history starts from, if that is no empty database.
        pushed: What was pushed since the current revisions, if anything.
        generate: The command that writes a revision for it.

    """

    environment: str
    branch: str
    protected: bool
    destination: str = ""
    current: tuple[str, ...] | None = None
    applied: tuple[Revision, ...] = ()
    pending: tuple[Revision, ...] = ()
    unknown: tuple[str, ...] = ()
    unknown_text: str = ""
    squash: Revision | None = None
    edited: tuple[Revision, ...] = ()
    deleted: tuple[str, ...] = ()
    interrupted: tuple[tuple[str, int], ...] = ()
    downgrading: tuple[str, ...] = ()
    drift: tuple[Change, ...] | None = None
    problem: LimbeckError | None = None
    phases: tuple[Standing, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    heads: tuple[Revision, ...] = ()
    baseline: Baseline | None = None
    pushed: Pushed | None = None
    generate: str = "limbeck generate"

    @property
    def ready(self) -> tuple[Revision, ...]:
        """The pending revisions that migrate would apply: those not on hold."""
        held = {id_ for waiting in self.waiting for id_ in (waiting.revision, *waiting.others)}
        return tuple(revision for revision in self.pending if revision.id not in held)

    @property
    def clean(self) -> bool:
        """Whether a check of the environment passes."""
        return not any(finding.fails for finding in findings(self))


@dataclass(frozen=True, slots=True)
class Finding:
    """One complaint of a check, or one contract revision on hold, which is no complaint.

    `kind` is heads, models, unrecorded, pending, interrupted, edited, deleted, drift, pushed,
    unknown, unreachable or waiting; `environment` is None where the project itself is wrong.
    """

    kind: str
    environment: str | None
    text: str
    hint: str | None = None
    changes: tuple[Change, ...] = ()
    waiting: Waiting | None = None

    @property
    def fails(self) -> bool:
        """Whether the finding makes a check fail."""
        return self.waiting is None


def findings(status: Status) -> Iterator[Finding]:
    """Yield the findings about one environment."""
    name = status.environment
    migrate = command("limbeck", "migrate", "-e", name)
    if status.problem:
        yield Finding("unreachable", name, status.problem.message, status.problem.hint)
    if status.unknown:
        yield _unknown(status)
    if status.edited:
        ids = ", ".join(map(str, status.edited))
        yield Finding("edited", name, f"edited after they were applied: {ids}", RESTORE)
    if deleted := [id_ for id_ in status.deleted if id_ not in status.unknown]:
        ids = ", ".join(deleted)
        hint = command("git", "log", "--all", "--", f"*{deleted[0]}*")
        yield Finding("deleted", name, f"applied, but the revision file is missing: {ids}", hint)
    for id_, steps in status.interrupted:
        text = f"revision {id_} was interrupted after step {steps}"
        yield Finding("interrupted", name, text, continuing(status, id_))
    if status.ready:
        ids = listed([str(each) for each in status.ready])
        begins = status.baseline and status.current == () and status.drift == ()
        first = "Run `limbeck merge`, then " if status.heads else ""
        last = f"{migrate} --from-baseline" if begins else migrate
        yield Finding("pending", name, f"pending: {ids}", f"{first}{last}")
    if status.drift:
        yield _drifted(status, status.drift)
    for waiting in status.waiting:
        text = f"on hold: {waiting.revision} ({waiting.message}): {waiting.reason}"
        yield Finding("waiting", name, text, waiting.hint, waiting=waiting)


def continuing(status: Status, id_: str) -> str:
    """Return the command that ends an interrupted revision, with what it does."""
    name = status.environment
    if id_ not in {each.id for each in (*status.applied, *status.pending)}:
        forget = command("limbeck", "repair", "-e", name, id_, "--forget")
        return f"Its file is missing. Restore it, or forget the revision: {forget}"
    if id_ in status.downgrading:
        return f"To continue it: {command('limbeck', 'rollback', '-e', name)}"
    for waiting in status.waiting:
        if waiting.revision == id_:
            return waiting.hint
    return f"To continue it: {command('limbeck', 'migrate', '-e', name)}"


def pushed_text(pushed: Pushed, current: Sequence[str]) -> str:
    """Return what was pushed to a database, such as "pushed, 3 statements since 1a2b"."""
    since = ", ".join(current) or "the empty database"
    cut = "; the last push was interrupted" if pushed.interrupted is not None else ""
    return f"pushed, {counted(pushed.statements, 'statement')} since {since}{cut}"


def pushed_hint(status: Status) -> str:
    """Return the command that follows a push."""
    migrate = command("limbeck", "migrate", "-e", status.environment)
    if status.pending:
        return f"Record the revision: {migrate}"
    return f"When the models are right: {status.generate}, then {migrate}"


def _unknown(status: Status) -> Finding:
    ids = ", ".join(status.unknown)
    if status.squash:
        replaced = f"the revisions that {status.squash} has replaced"
        text = f"is at revision {ids}, in the middle of {replaced}"
        hint = way_out(status.squash, status.unknown[0])
    else:
        text = f"is at revision {status.unknown_text or ids}, which no file has"
        hint = apart.hint(status.unknown[0], status.environment)
    return Finding("unknown", status.environment, text, hint)


def _drifted(status: Status, drift: tuple[Change, ...]) -> Finding:
    if status.pushed:
        text = f"{pushed_text(status.pushed, status.current or ())}: {named(drift)}"
        return Finding("pushed", status.environment, text, pushed_hint(status), drift)
    if status.edited:
        # The replay ran the edited files, so the difference is most likely the edit itself.
        text, hint = f"differs from its edited revisions: {named(drift)}", RESTORE
    else:
        pull = command("limbeck", "pull", "-e", status.environment)
        text = f"drifted from its own revision: {named(drift)}"
        hint = f"Add it to the models ({pull}), or revert it by hand."
    return Finding("drift", status.environment, text, hint, drift)
