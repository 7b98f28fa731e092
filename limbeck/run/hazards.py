"""Lint a plan before it runs on a protected environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from limbeck.engine import version_table
from limbeck.errors import DatabaseError, HistoryError, MigrationError, ServerError
from limbeck.events import Listener, Notice
from limbeck.history import baseline as baselines
from limbeck.logs import log
from limbeck.phased import phases
from limbeck.postgres.connect import connect
from limbeck.run.beginning import is_empty
from limbeck.run.plan import Plan, revisions
from limbeck.shell import command

if TYPE_CHECKING:
    from limbeck.lint.linting import Report


def look(plan: Plan, listen: Listener = log) -> Report | None:
    """Return the hazards of a plan, traced on the shadow; without a shadow None, and a notice.

    Raises:
        UnavailableError: no connection to the database whose table sizes are read.

    """
    from limbeck.lint import linting  # noqa: PLC0415 - only for protected environments

    empty = not plan.current and _is_empty(plan, listen)
    if plan.baseline is not None or (empty and _only_creates(plan)):
        return linting.creations(revisions(plan), plan.environment)
    if not (empty or plan.current or baselines.of(plan.history)):
        base = ("limbeck", "baseline", "--from-environment", plan.environment, "--at", "base")
        listen(
            Notice(
                f"{plan.environment} has tables, and no revision is applied there. If the first "
                f"revisions need these tables, keep their schema: {command(*base)}"
            )
        )
    try:
        return linting.lint(
            plan.project,
            revisions(plan),
            applied=plan.current,
            profile=plan.profile,
            database=plan.database,
            listen=listen,
        )
    except (ServerError, DatabaseError) as error:
        listen(Notice(f"The plan is not linted, because there is no shadow: {error.message}"))
        return None
    except (MigrationError, HistoryError) as error:
        return linting.not_judged(revisions(plan), plan.environment, error.message)


def _only_creates(plan: Plan) -> bool:
    """Return whether a plan for an empty database does nothing but create, as its SQL tells.

    To run it on the shadow first would take as long as to run it, and find no hazard. The first
    revision may still run on tables that were there before, as some histories do.
    """
    from limbeck.history.plainness import is_plain  # noqa: PLC0415 - as above
    from limbeck.lint.trace.newcomers import only_creates  # noqa: PLC0415 - as above

    return all(
        each.reversal is None
        and each.done is None
        and phases.of(revision) is None
        and is_plain(revision.path)
        and only_creates(each.sql)
        for each, revision in zip(plan.revisions, revisions(plan), strict=True)
    )


def _is_empty(plan: Plan, listen: Listener) -> bool:
    with connect(plan.database, read_only=True, listen=listen) as connection:
        return is_empty(connection, version_table.of(plan.history, connection))


def refuse(report: Report | None, allow: Sequence[str] = ()) -> None:
    """Raise an error if a blocking hazard is not allowed.

    Raises:
        CheckFailedError: a blocking hazard is not allowed.
        ConfigurationError: an allowed code is not the code of a rule.

    """
    from limbeck.lint import linting  # noqa: PLC0415 - as above

    if report is not None:
        linting.refuse(report, allow)
