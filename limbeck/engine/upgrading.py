"""Run one revision as `alembic upgrade` does, for the trace, which observes every statement."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import RevisionStep

from limbeck.history import scripts
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import as_sqlalchemy

if TYPE_CHECKING:
    import psycopg

    from limbeck.history.history import History


def upgrade(history: History, connection: psycopg.Connection[Any], revision: Revision) -> None:
    """Run a revision in a transaction, with its version row; pass on whatever it raises."""
    directory = scripts.directory(history)
    step = RevisionStep(directory.revision_map, scripts.script(directory, revision), True)  # noqa: FBT003 - Alembic's own signature
    config = scripts.configuration(history)
    with (
        as_sqlalchemy(connection) as target,
        EnvironmentContext(config, directory, fn=lambda _heads, _context: [step]) as environment,
        redirect_stdout(sys.stderr),  # what a revision prints is not part of the answer
    ):
        environment.configure(connection=target, transaction_per_migration=True)
        environment.run_migrations()
