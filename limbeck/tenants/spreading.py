"""Send the scripts of revisions to many tenants, on several sessions at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine.batch import Batch, Statement, StatementError, VersionConflictError
from limbeck.errors import LimbeckError
from limbeck.events import Listener
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.run import session
from limbeck.schema.sql import forms
from limbeck.tenants.script import Script


@dataclass(frozen=True, slots=True)
class Spread:
    """What all sessions of a run share; `left` are the tenants that nobody has begun with."""

    database: Database
    scripts: tuple[Script, ...]
    before: Callable[[str], Sequence[Statement]]
    left: deque[str]
    done: Callable[[str], None]
    stopped: Event

    def work_off(self, listen: Listener) -> list[str]:
        """Migrate tenants until none is left; return those that did not succeed."""
        refused: list[str] = []
        name = session.name(self.database.name)
        with connect(self.database, application_name=name, listen=listen) as connection:
            while self.left and not self.stopped.is_set():
                try:
                    tenant = self.left.popleft()
                except IndexError:  # another session was faster
                    break
                if self._migrate(connection, tenant):
                    self.done(tenant)
                else:
                    refused.append(tenant)
                if connection.closed:
                    break
        return refused

    def _migrate(self, connection: Connection, tenant: str) -> bool:
        """Run all revisions in one tenant; return whether Postgres has accepted them.

        Each has a transaction of its own, and they are sent together.
        """
        batch, limits = Batch(connection), self._limits(connection)
        adopted = self.before(tenant)
        for number, script in enumerate(self.scripts):
            batch.add(*script.of(tenant, limits))
            batch.add(*(adopted if number == 0 else ()), Statement("COMMIT"))
        try:
            batch.flush()
        except (StatementError, VersionConflictError, psycopg.Error):
            if not connection.closed:
                connection.rollback()
            return False
        return True

    def _limits(self, connection: Connection) -> list[Statement]:
        has_timeout = forms.TRANSACTION_TIMEOUT.exists(connection.info.server_version // 10000)
        settings = {
            "lock_timeout": self.database.lock_timeout,
            "transaction_timeout": self.database.transaction_timeout if has_timeout else None,
        }
        return [
            Statement(f"SET LOCAL {name} = '{text}'") for name, text in settings.items() if text
        ]


def spread(share: Spread, at_once: int, listen: Listener) -> tuple[str, ...]:
    """Run scripts in all tenants; return those that did not succeed, or were not tried.

    Args:
        share: The scripts and the tenants.
        at_once: The number of sessions.
        listen: Receives connection attempts.

    """
    count = min(at_once, len(share.left))
    refused: list[str] = []
    with ThreadPoolExecutor(max(count, 1)) as pool:
        futures = [pool.submit(share.work_off, listen) for _ in range(count)]
        try:
            for future in futures:
                try:
                    refused += future.result()
                except LimbeckError:  # no further session: the others do its share
                    continue
        except BaseException:
            share.stopped.set()
            raise
    return (*refused, *share.left)
