"""Lint a plan before it runs on a protected environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from limbeck.errors import DatabaseError, MigrationError, ServerError
from limbeck.events import Listener, Notice
from limbeck.logs import log
from limbeck.run.plan import Plan, revisions

if TYPE_CHECKING:
    from limbeck.lint.linting import Report


def look(plan: Plan, listen: Listener = log) -> Report | None:
    """Return the hazards of a plan, traced on the shadow; without a shadow None, and a notice.

    Raises:
        UnavailableError: no connection to the database whose table sizes are read.

    """
    from limbeck.lint import linting  # noqa: PLC0415 - only for protected environments

    try:
        return linting.lint(
            plan.project,
            revisions(plan),
            applied=plan.current,
            profile=plan.profile,
            database=plan.database,
            listen=listen,
        )
    except (ServerError, DatabaseError, MigrationError) as error:
        listen(Notice(f"The plan is not linted, because there is no shadow: {error.message}"))
        return None


def refuse(report: Report | None, allow: Sequence[str] = ()) -> None:
    """Raise an error if a blocking hazard is not allowed.

    Raises:
        CheckFailedError: a blocking hazard is not allowed.
        ConfigurationError: an allowed code is not the code of a rule.

    """
    from limbeck.lint import linting  # noqa: PLC0415 - as above

    if report is not None:
        linting.refuse(report, allow)
