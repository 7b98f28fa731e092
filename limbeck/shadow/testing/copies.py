"""Copies of a migrated database; the next one is created ahead, while a test uses the last."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

import psycopg

from limbeck.errors import DatabaseError
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow, create, drop, sweep

if TYPE_CHECKING:
    from types import TracebackType

    from limbeck.project.profile import Profile
    from limbeck.project.project import Project


class Copies:
    """Databases on the project's shadow, each with all revisions applied and no other rows.

    All are copies of one database, which is cached there by the content of the history. While a
    copy is in use, a thread creates the next one. Several processes may do so at the same time.

    Args:
        project: the project with the history.
        profile: the environment, where it has a history or a shadow of its own.

    """

    def __init__(self, project: Project, profile: Profile | None = None) -> None:
        self.project = project
        self.profile = profile
        self._thread = ThreadPoolExecutor(1, "limbeck-copies")
        self._open = ExitStack()
        self._next: Future[str] | None = None
        self._dropping: list[Future[None]] = []

    def __enter__(self) -> Self:
        try:
            self._thread.submit(self._begin).result()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._next is not None:
            self._dropping.append(self._thread.submit(self._drop, self._next.result()))
        self._close()
        for dropped in self._dropping:
            dropped.result()

    @contextmanager
    def copy(self) -> Iterator[Database]:
        """Yield a new database, which is dropped with the block.

        Raises:
            DatabaseError: the role may not create databases there.

        """
        coming = self._next or self._thread.submit(self._create)
        # One thread, because the connection may run one statement at a time; and it takes the order
        # of its tasks, so the next copy is created after the one that is waited for.
        self._next = self._thread.submit(self._create)
        name = coming.result()
        try:
            yield self._shadow.database.on(name, name="test")
        finally:
            self._dropping.append(self._thread.submit(self._drop, name))

    def _begin(self) -> None:
        self._shadow = Shadow.of(self.project, self.profile)
        self._connection: Connection = self._open.enter_context(connect(self._shadow.database))
        sweep(self._connection)
        self._template = self._migrated()

    def _migrated(self) -> str:
        """Return the name of the database to copy, created by the first process that needs it."""
        key = [str(self.project.root)]
        self._connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", key)
        try:
            return Replay(self.project, profile=self.profile).template()
        finally:
            self._connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", key)

    def _close(self) -> None:
        self._thread.submit(self._open.close)
        self._thread.shutdown()

    def _create(self) -> str:
        try:
            return create(self._connection, self._template)
        except DatabaseError as error:
            if not isinstance(error.__cause__, psycopg.errors.InvalidCatalogName):
                raise
            # Replays of other revisions took its place meanwhile: the cache keeps few databases.
            self._template = self._migrated()
            return create(self._connection, self._template)

    def _drop(self, name: str) -> None:
        drop(self._connection, name)
