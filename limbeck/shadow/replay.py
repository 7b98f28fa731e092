"""The schema that the recorded history makes, replayed once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from limbeck.engine import running
from limbeck.errors import MigrationError
from limbeck.events import Listener, StageStarted, ignore
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.plurals import counted
from limbeck.postgres.connect import Connection, connect
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.read import read
from limbeck.shadow import cache, identity, keys
from limbeck.shadow.filters import filters
from limbeck.shadow.keys import Link
from limbeck.shadow.shadow import Shadow, drop

REPLAY = "limbeck_replay_"
KEPT_DATABASES = 4


@dataclass(frozen=True, slots=True)
class Replay:
    """The history up to a revision, run on the shadow.

    What it makes is kept, by the content of the revision files: the database as a template on
    the shadow, its catalog in the project's cache.
    """

    project: Project
    revision: str = "head"
    profile: Profile | None = None
    listen: Listener = field(default=ignore, compare=False, repr=False)

    @property
    def history(self) -> History:
        """The recorded history that is replayed."""
        return History.of(self.project, self.profile)

    def __str__(self) -> str:
        return self.revision

    def catalog(self) -> Catalog:
        """Return the catalog after the revision; nothing is run when it is known already.

        Raises:
            SeveralHeadsError: "head" where there are two.
            MigrationError: the history does not replay.

        """
        shadow = Shadow.of(self.project, self.profile, listen=self.listen)
        chain = self._chain()
        if (known := cache.catalog(self.project, chain[-1].name)) is not None:
            return known
        with connect(shadow.database) as connection:
            there = self._there(connection)
            if not self.project.cache:
                for name in {self._name(link) for link in chain} & set(there):
                    drop(connection, name)
                there = []
        if (name := self._name(chain[-1])) not in there:
            return self._make(shadow, chain, there)
        # Not of the template itself: nobody may be connected to it while it is copied.
        with shadow.scratch(name) as database, connect(database) as connection:
            return cache.keep(self.project, chain[-1].name, self._seen(connection))

    def template(self) -> str:
        """Return the name of a database on the shadow that holds the replay; only copy it.

        Raises:
            SeveralHeadsError: "head" where there are two.
            MigrationError: the history does not replay.

        """
        shadow = Shadow.of(self.project, self.profile, listen=self.listen)
        with connect(shadow.database) as connection:
            chain, there = self._chain(connection), self._there(connection)
        if (name := self._name(chain[-1])) not in there:
            self._make(shadow, chain, there)
        return name

    def adopt(self, scratch: str, found: Catalog) -> None:
        """Keep a scratch database that a proof has brought to this revision, and its catalog."""
        shadow = Shadow.of(self.project, self.profile, listen=self.listen)
        with connect(shadow.database) as connection:
            chain, there = self._chain(connection), self._there(connection)
            _keep(connection, scratch, self._name(chain[-1]))
            names = {self._name(link) for link in chain}
            for old in [name for name in there if name not in names][: -KEPT_DATABASES + 1]:
                drop(connection, old)
        cache.keep(self.project, chain[-1].name, found)

    def _chain(self, connection: Connection | None = None) -> list[Link]:
        shadow = identity.known(self.project, self.profile, connection)
        return keys.chain(self.project, self.history, self.revision, shadow or "")

    def _name(self, link: Link) -> str:
        return f"{self._prefix()}{link.key}"

    def _prefix(self) -> str:
        # Projects may share one shadow server; each tidies up its own.
        return f"{REPLAY}{keys.hashed(str(self.project.root))[:6]}_"

    def _there(self, connection: Connection) -> list[str]:
        query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY oid"
        return [str(row[0]) for row in connection.execute(query, [self._prefix()]).fetchall()]

    def _make(self, shadow: Shadow, chain: Sequence[Link], there: list[str]) -> Catalog:
        names = [self._name(link) for link in chain]
        done = max((at for at, name in enumerate(names) if name in there), default=0)
        todo = [link.revision for link in chain[done + 1 :] if link.revision]
        if todo:
            self.listen(
                StageStarted(f"replaying {len(todo)} of {counted(len(chain) - 1, 'revision')}")
            )
        template = names[done] if names[done] in there else None
        with shadow.scratch(template) as database:
            with connect(database) as connection:
                connection.execute("SET synchronous_commit = off")
                self._run(connection, todo)
                found = cache.keep(self.project, chain[-1].name, self._seen(connection))
            with connect(shadow.database) as connection:
                _keep(connection, database.dbname, names[-1])
                for old in [name for name in there if name not in names][: -KEPT_DATABASES + 1]:
                    drop(connection, old)
        return found

    def _run(self, connection: Connection, todo: Sequence[Revision]) -> None:
        try:
            running.run(self.history, connection, todo)
        except MigrationError as error:
            raise MigrationError(
                f"the recorded history does not replay on the shadow: {error.message}",
                hint="Revisions must run on an empty database; correct this one. If it needs an "
                "extension or a role, set SHADOW_DATABASE_URL to a server that has it.",
            ) from error

    def _seen(self, connection: Connection) -> Catalog:
        return read(connection, filters=filters(self.project))


def _keep(connection: Connection, scratch: str, name: str) -> None:
    query = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    try:
        connection.execute(query.format(sql.Identifier(scratch), sql.Identifier(name)))
    except psycopg.errors.DuplicateDatabase:
        return  # another command made the same one meanwhile
