"""Trace revisions, judge them, and take away what their comments allow."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from limbeck.engine import version_table
from limbeck.errors import CheckFailedError, ConfigurationError
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.lint import target as targets
from limbeck.lint.allowances import UNREASONED, UNUSED, Allowance, allowances
from limbeck.lint.rules.change import Target
from limbeck.lint.rules.hazard import Hazard
from limbeck.lint.rules.judge import FALLBACKS, judge
from limbeck.lint.rules.registry import RULES
from limbeck.lint.since import added
from limbeck.lint.trace.tracing import Trace, trace
from limbeck.logs import log
from limbeck.phased import phases
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project

# What breaks an application that a contract revision waits for the end of.
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
    """A hazard that a comment allows, and why."""

    hazard: Hazard
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """The hazards of revisions in their order; `environment` is where sizes were asked."""

    revisions: tuple[Revision, ...]
    hazards: tuple[Hazard, ...]
    allowed: tuple[Allowed, ...] = ()
    environment: str | None = None

    @property
    def blocking(self) -> tuple[Hazard, ...]:
        """What should keep the revisions from production."""
        return tuple(one for one in self.hazards if one.level == "blocking")


def chosen(
    history: History, names: Sequence[str] = (), since: str | None = None
) -> tuple[Revision, ...]:
    """Return the revisions that are named, or that the git branch adds.

    Raises:
        HistoryError: no revision has such a name.
        ConfigurationError: git does not know the reference.

    """
    ids = {one.id for name in names for one in history.find(name)}
    ids |= {one.id for one in added(history, since)} if since else set()
    return tuple(one for one in history.revisions() if one.id in ids)


def pending(
    project: Project, profile: Profile, database: Database, listen: Listener = log
) -> tuple[tuple[Revision, ...], tuple[str, ...]]:
    """Return what an environment has not run yet, and the revisions it is at.

    Raises:
        HistoryError: it is at a revision that no file holds.
        UnavailableError: no connection.

    """
    history = History.of(project, profile)
    with connect(database, read_only=True, listen=listen) as connection:
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
    """Return the hazards of revisions, as seen on the shadow.

    Args:
        project: whose revisions they are.
        revisions: those to judge.
        applied: what is applied before them; without it, what the first of them follows.
        profile: the environment whose timeouts and history hold.
        database: where to ask how big the tables are; it is only read.
        listen: is told the stages.

    Raises:
        MigrationError: the history before them does not replay.
        UnavailableError: no connection to the database.

    """
    traces = trace(project, revisions, applied=applied, profile=profile, listen=listen)
    target = None
    if database is not None and traces:
        name = profile.name if profile else database.name
        target = targets.read(name, database, traces, listen)
    judged = [_judged(one, target) for one in traces]
    return Report(
        revisions=tuple(one.revision for one in traces),
        hazards=tuple(hazard for hazards, _ in judged for hazard in hazards),
        allowed=tuple(one for _, allowed in judged for one in allowed),
        environment=target.environment if target else None,
    )


def refuse(report: Report, allow: Sequence[str] = ()) -> None:
    """Let a plan pass only without blocking hazards, but for those of the allowed codes.

    Raises:
        ConfigurationError: there is no such rule.
        CheckFailedError: a blocking hazard is not allowed.

    """
    if unknown := sorted(set(allow) - _codes()):
        near = difflib.get_close_matches(unknown[0], _codes(), n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise ConfigurationError(
            f"there is no hazard {', '.join(unknown)}",
            hint=f"{meant}limbeck lint shows their names.",
        )
    left = sorted({one.code for one in report.blocking} - set(allow))
    if left:
        options = " ".join(f"--allow {code}" for code in left)
        raise CheckFailedError(
            f"{report.environment} is protected, and the plan has blocking hazards: "
            f"{', '.join(left)}; nothing was done",
            hint=f"Change the revisions, say in them why it does no harm, or add {options}",
        )


def _codes() -> set[str]:
    return {one.code for one in (*RULES, *FALLBACKS)} | {UNREASONED, UNUSED}


def _judged(traced: Trace, target: Target | None) -> tuple[list[Hazard], list[Allowed]]:
    found = judge(RULES, traced, target)
    comments = allowances(traced.revision.path)
    phase = phases.of(traced.revision)
    left, allowed, used = [], [], set()
    for hazard in found:
        if phase and phase.kind == "contract" and hazard.code in OF_OLD_APPLICATIONS:
            allowed.append(Allowed(hazard, f"contracts {phase.change}: nobody uses it by then"))
            continue
        comment = next((one for one in comments if one.reason and one.covers(hazard)), None)
        if comment:
            used.add(comment)
            allowed.append(Allowed(hazard, comment.reason))
        else:
            left.append(hazard)
    left += _wrong(traced.revision, comments, used)
    return sorted(left, key=lambda one: one.line), allowed


def _wrong(
    revision: Revision, comments: Sequence[Allowance], used: set[Allowance]
) -> Iterator[Hazard]:
    known = _codes() - {UNREASONED, UNUSED}
    for one in comments:
        if one.code not in known:
            near = difflib.get_close_matches(one.code, known, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            said = f"there is no rule {one.code}{meant}" if one.code else "it names no rule"
            yield _about(revision, one, UNUSED, said, blocking=True)
        elif not one.reason:
            said = f"{one.code} is allowed without a reason"
            yield _about(revision, one, UNREASONED, said, blocking=True)
        elif one not in used:
            said = f"{one.code} is allowed here, and not found"
            yield _about(revision, one, UNUSED, said, blocking=False)


def _about(
    revision: Revision, comment: Allowance, code: str, said: str, *, blocking: bool
) -> Hazard:
    recipes = {
        UNREASONED: f"# limbeck: allow {comment.code} -- why it does no harm here",
        UNUSED: "Take the comment away, or correct the rule's name.",
    }
    return Hazard(
        code=code,
        level="blocking" if blocking else "warning",
        message=said,
        recipe=recipes[code],
        revision=revision.id,
        path=revision.path,
        line=comment.line,
        statement="",
    )
