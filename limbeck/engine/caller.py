"""What the runner asks of the place where revisions run: this process, or a worker."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from limbeck.engine.batch import Statement
    from limbeck.engine.step_runner import StepRunner
    from limbeck.history.revisions import Revision


class Caller(Protocol):
    """Imports revisions and calls their functions."""

    @property
    def is_here(self) -> bool:
        """Whether the functions run in this process."""

    @property
    def autocommits(self) -> bool:
        """Whether env.py's connection commits each statement by itself."""

    @property
    def target(self) -> Any:
        """What the engine uses of SQLAlchemy's connection."""

    @property
    def connection(self) -> Any:
        """What the engine uses of psycopg's connection."""

    def resets(self) -> tuple[Statement, ...]:
        """Return the statements that undo what a revision has set in the session."""

    def serve(self, steps: StepRunner, stack: ExitStack) -> None:
        """Hand the statements of revisions to a step runner, until the stack is closed."""

    def using(self) -> AbstractContextManager[None]:
        """Return the block in which revisions are called."""

    def load(self, revision: Revision) -> Any:
        """Import a revision anew; return its module, or what it sets for itself.

        Raises:
            HistoryError: it does not import.

        """

    def call(self, revision: Revision, module: Any, *, downgrade: bool) -> None:
        """Call a revision's function."""
