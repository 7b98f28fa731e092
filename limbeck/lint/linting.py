"""Trace revisions, apply the rules, and set aside what comments allow: `limbeck lint`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace

from limbeck.dataclass import dataclass
from limbeck.engine import version_table
from limbeck.errors import CheckFailedError, ConfigurationError
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.lint import target as targets
from limbeck.lint.allowances import UNREASONED, UNUSED, Allowance, allowances
from limbeck.lint.locks import Timeline, timeline
from limbeck.lint.passages import Place, probed
from limbeck.lint.probes.passage import Passage
from limbeck.lint.rules.change import Target
from limbeck.lint.rules.hazard import Hazard
from limbeck.lint.rules.judge import FALLBACKS, judge
from limbeck.lint.rules.registry import RULES
from limbeck.lint.since import added
from limbeck.lint.trace.stopped import Stopped
from limbeck.lint.trace.tracing import Trace, trace
from limbeck.logs import log
from limbeck.phased import phases
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.project import seen
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.stages import counting, staged

# Hazards for the old application, which has ended by the time that a contract revision runs.
OF_OLD_APPLICATIONS = frozenset(
    {
        "drop-column-in-use",
        "drop-table-in-use",
        "rename-column",
        "rename-table",
        "rename-schema-enum-view",
        "tighten-constraint-on-writes",
        "enum-remove-value",
    }
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """A hazard that a comment allows, and the reason."""

    hazard: Hazard
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """The hazards of revisions in their order.

    `environment` is where table sizes were read. `passages` has the probes of those revisions that
    commit more than once, by their ids. `timelines` has the locks of those that were traced.
    """

    revisions: tuple[Revision, ...]
    hazards: tuple[Hazard, ...]
    allowed: tuple[Allowed, ...] = ()
    environment: str | None = None
    passages: Mapping[str, Passage] = field(default_factory=dict)
    timelines: tuple[Timeline, ...] = ()

    @property
    def blocking(self) -> tuple[Hazard, ...]:
        """The hazards that should keep the revisions from production."""
        return tuple(hazard for hazard in self.hazards if hazard.level == "blocking")


def chosen(
    history: History, names: Sequence[str] = (), since: str | None = None
) -> tuple[Revision, ...]:
    """Return the revisions that are named, or that the git branch adds.

    Raises:
        HistoryError: There is no such revision.
        ConfigurationError: git does not find the reference.

    """
    ids = {revision.id for name in names for revision in history.find(name)}
    ids |= {revision.id for revision in added(history, since)} if since else set()
    return tuple(revision for revision in history.revisions() if revision.id in ids)


def pending(
    project: Project, profile: Profile, database: Database, listen: Listener = log
) -> tuple[tuple[Revision, ...], tuple[str, ...]]:
    """Return the pending revisions of an environment, and its current ones.

    Raises:
        HistoryError: It is at a revision that no file has.
        UnavailableError: No connection.

    """
    history = History.of(project, profile)
    with connect(database, read_only=True, listen=listen) as connection:
        seen.note(project, profile, connection.info.server_version)
        current = version_table.current(history, connection)
    return history.pending(current), current


def lint(  # noqa: PLR0913 - what, from where, for whom
    project: Project,
    revisions: Sequence[Revision],
    *,
    applied: Sequence[str] | None = None,
    profile: Profile | None = None,
    database: Database | None = None,
    listen: Listener = log,
) -> Report:
    """Return the hazards of revisions, which are traced on the shadow.

    Args:
        project: The project, with its history and its shadow.
        revisions: The revisions to check.
        applied: The revisions applied before; by default those below the first one.
        profile: The environment, for its timeouts and its history.
        database: The database to read table sizes from; it is not changed.
        listen: Receives the stages.

    Raises:
        MigrationError: The history before the revisions does not replay.
        UnavailableError: No connection to the database.

    """
    # Locks and rewrites differ between majors: on that of the environment, if there is a server.
    shown = profile and seen.with_major(project, profile)
    traces = trace(project, revisions, applied=applied, profile=shown, listen=listen)
    place = Place(project, shown, listen)
    with staged(listen, "probing", "revision", len(traces), silent=True) as stage:
        traces = tuple(probed(place, each) for each in counting(stage, traces))
    target = None
    if database is not None and traces:
        name = profile.name if profile else database.name
        target = targets.read(name, database, traces, listen)
    return _report(traces, target)


def creations(revisions: Sequence[Revision], environment: str) -> Report:
    """Return the report of revisions that only create, on an empty database: nobody waits there."""
    return replace(
        _report([Trace(revision, ()) for revision in revisions]), environment=environment
    )


def not_judged(revisions: Sequence[Revision], environment: str, reason: str) -> Report:
    """Return the report of revisions none of which could run on the shadow."""
    traces = [Trace(revision, (), stopped=Stopped(reason)) for revision in revisions]
    return replace(_report(traces), environment=environment)


def _report(traces: Sequence[Trace], target: Target | None = None) -> Report:
    judged = []
    for each in traces:
        judged.append(_judged(each, target))
        target = target and _filled(target, each)
    return Report(
        revisions=tuple(trace.revision for trace in traces),
        hazards=tuple(hazard for hazards, _ in judged for hazard in hazards),
        allowed=tuple(each for _, allowed in judged for each in allowed),
        environment=target.environment if target else None,
        passages={trace.revision.id: trace.passage for trace in traces if trace.passage},
        timelines=tuple(timeline(each.revision, each.statements) for each in traces),
    )


def _filled(target: Target, trace: Trace) -> Target:
    """Return what is known of the target once a revision has inserted its rows there."""
    names = {each.name(oid) for each in trace.statements for oid in each.filled()}
    return replace(target, empty=target.empty - names) if names & target.empty else target


def refuse(report: Report, allow: Sequence[str] = ()) -> None:
    """Raise an error if a blocking hazard is not among the allowed codes.

    Raises:
        ConfigurationError: There is no such rule.
        CheckFailedError: A blocking hazard is not allowed.

    """
    if unknown := sorted(set(allow) - _codes()):
        near = difflib.get_close_matches(unknown[0], _codes(), n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise ConfigurationError(
            f"there is no hazard {', '.join(unknown)}",
            hint=f"{meant}The codes are in the output of limbeck lint.",
        )
    left = sorted({hazard.code for hazard in report.blocking} - set(allow))
    if left:
        options = " ".join(f"--allow {code}" for code in left)
        raise CheckFailedError(
            f"{report.environment} is protected, and the plan has blocking hazards: "
            f"{', '.join(left)}; nothing was done",
            hint=f"Change the revisions, allow it there with a reason, or add {options}.",
        )


def _codes() -> set[str]:
    return {rule.code for rule in (*RULES, *FALLBACKS)} | {UNREASONED, UNUSED}


def _judged(traced: Trace, target: Target | None) -> tuple[list[Hazard], list[Allowed]]:
    comments = allowances(traced.revision.path)
    phase = phases.of(traced.revision)
    left, allowed, used = [], [], set()
    for hazard in judge(RULES, traced, target):
        if phase and phase.kind == "contract" and hazard.code in OF_OLD_APPLICATIONS:
            allowed.append(Allowed(hazard, f"contracts {phase.change}: nothing uses it by then"))
            continue
        comment = next((each for each in comments if each.reason and each.covers(hazard)), None)
        if comment:
            used.add(comment)
            allowed.append(Allowed(hazard, comment.reason))
        else:
            left.append(hazard)
    left += _wrong(traced.revision, comments, used)
    return sorted(left, key=lambda hazard: hazard.line), allowed


def _wrong(
    revision: Revision, comments: Sequence[Allowance], used: set[Allowance]
) -> Iterator[Hazard]:
    known = _codes() - {UNREASONED, UNUSED}
    for comment in comments:
        code = comment.code
        if code not in known:
            near = difflib.get_close_matches(code, known, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            message = f"there is no rule {code}{meant}" if code else "the comment names no rule"
            yield _about(revision, comment, UNUSED, message, blocking=True)
        elif not comment.reason:
            message = f"{code} is allowed without a reason"
            yield _about(revision, comment, UNREASONED, message, blocking=True)
        elif comment not in used:
            message = f"{code} is allowed here, but does not occur"
            yield _about(revision, comment, UNUSED, message, blocking=False)


def _about(
    revision: Revision, comment: Allowance, code: str, message: str, *, blocking: bool
) -> Hazard:
    recipes = {
        UNREASONED: f"# limbeck: allow {comment.code} -- why it does no harm here",
        UNUSED: "Remove the comment, or correct the name of the rule.",
    }
    return Hazard(
        code=code,
        level="blocking" if blocking else "warning",
        message=message,
        recipe=recipes[code],
        revision=revision.id,
        path=revision.path,
        line=comment.line,
        statement="",
    )
