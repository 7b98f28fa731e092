"""Send the scripts of revisions to many tenants, on several sessions at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
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
    left: deque[str]
    done: Callable[[str], None]
    stopped: Event

    def work_off(self, listen: Listener) -> list[str]:
        """Migrate tenants until none is left; return those that did not succeed."""
        refused: list[str] = []
        name = session.name(self.database.name)
        with connect(self.database, application_name=name, listen=listen) as connection:
            send = self._sending(connection)
            while self.left and not self.stopped.is_set():
                try:
                    tenant = self.left.popleft()
                except IndexError:  # another session was faster
                    break
                if self._migrate(connection, send, tenant):
                    self.done(tenant)
                else:
                    refused.append(tenant)
                if connection.closed:
                    break
        return refused

    def _migrate(self, connection: Connection, send: Callable[[str], None], tenant: str) -> bool:
        """Run all revisions in one tenant; return whether Postgres has accepted them.

        Each has a transaction of its own, and they are sent together.
        """
        try:
            send(tenant)
        except (StatementError, VersionConflictError, psycopg.Error):
            if not connection.closed:
                connection.rollback()
            return False
        return True

    def _sending(self, connection: Connection) -> Callable[[str], None]:
        """Return the function that sends all revisions to one tenant, in one round trip.

        Where no statement has parameters, they are one text: to prepare a dozen messages takes
        limbeck as long as Postgres needs for a short revision.
        """
        limits = self._limits(connection)
        templates = [each.template(connection) for each in self.scripts if each.is_text]

        def send_text(tenant: str) -> None:
            texts = (Script.text(tenant, limits, template) for template in templates)
            connection.execute(";\n".join(texts).encode())

        def send_batch(tenant: str) -> None:
            batch = Batch(connection)
            for script in self.scripts:
                batch.add(*script.of(tenant, limits))
            batch.flush()

        return send_text if len(templates) == len(self.scripts) else send_batch

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
