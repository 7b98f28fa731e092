"""What all attempts of one run share: the connection, the terms, who watches and who waits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sqlalchemy import event

from limbeck.engine.batch import Waiting
from limbeck.engine.ending import Ending
from limbeck.engine.patience import Patience
from limbeck.engine.terms import Terms
from limbeck.errors import HistoryError
from limbeck.events import Listener
from limbeck.paths import shown
from limbeck.postgres.watching import Watcher

if TYPE_CHECKING:
    import psycopg
    import sqlalchemy as sa

TakeOver: TypeAlias = Callable[[Waiting, Any, Any], None]
"""Told a statement, its cursor and SQLAlchemy's context; sends it."""

_DURATION: Final = re.compile(r"\d+\s*(us|ms|s|min|h|d)?")
_TRANSACTION_TIMEOUT_SINCE: Final = 170000


@dataclass(slots=True)
class Session:
    """One run on one connection; `folder` is that of the revision files."""

    target: sa.Connection
    connection: psycopg.Connection[Any]
    folder: Path
    terms: Terms
    listen: Listener
    patience: Patience
    watcher: Watcher | None = None
    take_over: TakeOver | None = None
    ending: Ending = field(default_factory=Ending)

    def hook(self) -> None:
        """Let every statement of SQLAlchemy be told to `take_over`, which sends it.

        An engine's hooks of this kind cannot be taken away, so there is one set of them a run.
        """

        def execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
            return self._taken(Waiting(statement, parameters), cursor, context)

        def execute_no_params(cursor: Any, statement: str, context: Any) -> bool:
            return self._taken(Waiting(statement), cursor, context)

        def executemany(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
            return self._taken(Waiting(statement, parameters, many=True), cursor, context)

        engine = self.target.engine
        event.listen(engine, "do_execute", execute)
        event.listen(engine, "do_execute_no_params", execute_no_params)
        event.listen(engine, "do_executemany", executemany)

    def _taken(self, waiting: Waiting, cursor: Any, context: Any) -> bool:
        if self.take_over is None:
            return False
        self.take_over(waiting, cursor, context)
        return True

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Let it be looked at what the session waits for inside of the block."""
        if self.watcher:
            with self.watcher.waiting():
                yield
        else:
            yield

    @property
    def knows_transaction_timeout(self) -> bool:
        """Whether the server has the setting: from 17 on."""
        return self.connection.info.server_version >= _TRANSACTION_TIMEOUT_SINCE

    @property
    def transaction_timeout(self) -> str | None:
        """What the terms say, where the server knows it."""
        return self.terms.transaction_timeout if self.knows_transaction_timeout else None


def lock_timeout(module: Any, path: Path) -> str | None:
    """Return the `lock_timeout` that a revision file sets for itself.

    Raises:
        HistoryError: it is no time.

    """
    found = getattr(module, "lock_timeout", None)
    if found is None:
        return None
    if not isinstance(found, str) or not _DURATION.fullmatch(found):
        raise HistoryError(
            f"{shown(path)}: lock_timeout = {found!r} is not a time that Postgres knows",
            hint='lock_timeout = "2s"; the units are ms, s, min, h and d',
        )
    return found.replace(" ", "")
