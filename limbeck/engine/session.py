"""What all revisions of one run share: the connection, the terms, the watcher, the timeouts."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from limbeck.dataclass import dataclass
from limbeck.engine.batch import Statement
from limbeck.engine.ending import Ending
from limbeck.engine.patience import Patience
from limbeck.engine.progress import Progress
from limbeck.engine.terms import Terms
from limbeck.errors import HistoryError
from limbeck.events import Listener
from limbeck.paths import shown
from limbeck.postgres.watching import Watcher
from limbeck.schema.sql import forms

if TYPE_CHECKING:
    import psycopg
    import sqlalchemy as sa

_DURATION: Final = re.compile(r"\d+\s*(us|ms|s|min|h|d)?")


@dataclass(slots=True)
class Session:
    """One run on one connection, which SQLAlchemy has as `target` and psycopg as `connection`.

    `folder` is the folder of the revision files, `resets` undo what a revision has set.
    `autocommits` says that env.py's own connection would commit each statement by itself: then
    one that no transaction takes needs no autocommit block.
    """

    target: sa.Connection
    connection: psycopg.Connection[Any]
    folder: Path
    terms: Terms
    listen: Listener
    patience: Patience
    watcher: Watcher | None = None
    ending: Ending = field(default_factory=Ending)
    resets: tuple[Statement, ...] = ()
    autocommits: bool = False
    has_transaction_timeout: bool = field(init=False)

    def __post_init__(self) -> None:
        # Now, because a broken connection does not know the server's version any more.
        major = self.connection.info.server_version // 10000
        self.has_transaction_timeout = forms.TRANSACTION_TIMEOUT.exists(major)

    def watched(self) -> AbstractContextManager[None]:
        """Watch what this session waits for, inside of the block."""
        return self.watcher.waiting() if self.watcher else nullcontext()

    @property
    def transaction_timeout(self) -> str | None:
        """The transaction timeout of the terms, if the server has the setting."""
        return self.terms.transaction_timeout if self.has_transaction_timeout else None

    def limits(self, progress: Progress) -> list[Statement]:
        """Return the SET LOCAL statements that a transaction of a revision begins with.

        The lock timeout is the revision's own, or grows with the attempts at the step.
        """
        longest = self.terms.lock_timeout
        growing = self.patience.lock_timeout(progress.revision, progress.step, longest)
        settings = {
            "lock_timeout": progress.lock_timeout or growing,
            "transaction_timeout": self.transaction_timeout,
        }
        return [
            Statement(f"SET LOCAL {name} = '{text}'") for name, text in settings.items() if text
        ]


def lock_timeout(module: Any, path: Path) -> str | None:
    """Return the `lock_timeout` that a revision file sets for itself.

    Raises:
        HistoryError: it is not a duration.

    """
    value = getattr(module, "lock_timeout", None)
    if value is None:
        return None
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise HistoryError(
            f"{shown(path)}: lock_timeout = {value!r} is not a time that Postgres knows",
            hint='Write it as in lock_timeout = "2s"; the units are ms, s, min, h and d.',
        )
    return value.replace(" ", "")
