"""What a plan would do to those who use the database meanwhile, looked at before it runs."""

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
    """Return the hazards of a plan, as seen on the shadow; None, and a Notice, without a shadow.

    Raises:
        UnavailableError: no connection to the database that is asked for its sizes.

    """
    from limbeck.lint import linting  # noqa: PLC0415 - only where something protected will run

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
        said = f"Hazards were not looked for, there is no shadow to do it on: {error.message}"
        listen(Notice(said))
        return None


def refuse(found: Report | None, allow: Sequence[str] = ()) -> None:
    """Let only what is allowed pass.

    Raises:
        CheckFailedError: there is a blocking hazard that is not.
        ConfigurationError: what is allowed is no hazard.

    """
    from limbeck.lint import linting  # noqa: PLC0415 - as above

    if found is not None:
        linting.refuse(found, allow)
