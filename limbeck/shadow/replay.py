"""The schema that the recorded history makes: replayed on the shadow once, then cached."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import field, replace
from functools import partial
from typing import Final

import psycopg
from psycopg import sql

from limbeck.dataclass import dataclass
from limbeck.engine import privileged, running
from limbeck.errors import MigrationError
from limbeck.events import Event, Listener, RevisionFinished, ignore
from limbeck.history.baseline import Baseline
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.plurals import counted
from limbeck.postgres.connect import Connection, connect, tenant_of
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.read import read
from limbeck.schema.sql import quoting
from limbeck.shadow import baselines, cache, identity, keys
from limbeck.shadow.filters import filters
from limbeck.shadow.keys import Link
from limbeck.shadow.shadow import Shadow, discard, drop
from limbeck.stages import Stage, staged

REPLAY = "limbeck_replay_"
# Databases besides those of the history itself: the last few branches of a project's code. Each
# has 7 MB and more.
MOST_DATABASES = 4
USUAL_PATH: Final = ("public",)
NOT_REPLAYED: Final = "the recorded history does not replay on the shadow: "
"""How the message of a replay that fails begins."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The history up to a revision, run on the shadow.

    The result is cached by the content of the revision files: the database as a template on the
    shadow, its catalog in the project's cache.

    Args:
        project: the project, with its history.
        revision: the last revision to replay.
        profile: an environment with a history of its own.
        listen: receives the stages.
        path: the schemas on the search path of the database that it is compared with. Names
            without a schema lead to other places there.
        opened: the shadow with an open session, if the caller has one.

    """

    project: Project
    revision: str = "head"
    profile: Profile | None = None
    listen: Listener = field(default=ignore, compare=False, repr=False)
    path: tuple[str, ...] = USUAL_PATH
    opened: Shadow | None = field(default=None, compare=False, repr=False)

    @property
    def shadow(self) -> Shadow:
        """The shadow that the history is replayed on, started."""
        return self.opened or Shadow.of(self.project, self.profile, listen=self.listen)

    @property
    def history(self) -> History:
        """The recorded history that is replayed."""
        return History.whole(self.project, self.profile)

    def __str__(self) -> str:
        return self.revision

    def on(self, major: int) -> Replay:
        """Return the same on a shadow of this major."""
        return replace(self, project=self.project.on(major), opened=None)

    def catalog(self) -> Catalog:
        """Return the catalog after the revision; nothing runs where it is cached.

        Raises:
            SeveralHeadsError: "head" where there are two.
            MigrationError: the history does not replay.

        """
        shadow = self.shadow
        chain = self._chain()
        if (cached := cache.catalog(self.project, chain[-1].name)) is not None:
            return cached
        with shadow.opened() as opened, opened.connected() as connection:
            existing = self._databases(connection)
            if not self.project.cache:
                # --no-cache: whoever asks for it doubts the cache. Run every revision once more.
                for name in {self._name(link) for link in chain} & set(existing):
                    drop(connection, name)
                existing = []
            if (name := self._name(chain[-1])) not in existing:
                return self._replay(opened, chain, existing)
            # The catalog alone is missing. Read a copy: Postgres refuses to copy a database to
            # which somebody is connected, and another command may be about to copy this one.
            with opened.scratch(name) as database, connect(database) as copy:
                return cache.keep(self.project, chain[-1].name, self._read(copy))

    def fingerprint(self) -> str | None:
        """Return the fingerprint of the catalog after the revision, if that is cached."""
        saved = cache.fingerprint(self.project, self._chain()[-1].name)
        return saved.partition(" ")[0] if saved else None

    def existing(self) -> str | None:
        """Return the name of the database that holds the replay; None where there is none."""
        with self.shadow.connected() as connection:
            chain, existing = self._chain(connection), self._databases(connection)
        name = self._name(chain[-1])
        return name if name in existing else None

    def template(self) -> str:
        """Return the name of a database on the shadow that holds the replay; only copy it.

        Raises:
            SeveralHeadsError: "head" where there are two.
            MigrationError: the history does not replay.

        """
        with self.shadow.opened() as shadow, shadow.connected() as connection:
            chain, existing = self._chain(connection), self._databases(connection)
            if (name := self._name(chain[-1])) not in existing:
                self._replay(shadow, chain, existing)
        return name

    def adopt(self, scratch: str, catalog: Catalog) -> None:
        """Cache a scratch database that a proof has brought to this revision, and its catalog."""
        with self.shadow.connected() as connection:
            chain, existing = self._chain(connection), self._databases(connection)
            self._keep(connection, scratch, chain, existing)
        cache.keep(self.project, chain[-1].name, catalog)

    def _chain(self, connection: Connection | None = None) -> list[Link]:
        shadow = self.opened and self.opened.identity
        shadow = shadow or identity.known(self.project, self.profile, connection)
        where = "" if self.path == USUAL_PATH else f" on {self.path}"
        return keys.chain(self.project, self.history, self.revision, f"{shadow or ''}{where}")

    def _name(self, link: Link) -> str:
        return f"{self.prefix}{link.key}"

    @property
    def prefix(self) -> str:
        """How the names of this project's databases begin: several may share one shadow."""
        return f"{REPLAY}{keys.hashed(str(self.project.root))[:6]}_"

    def _databases(self, connection: Connection) -> list[str]:
        """Return the databases of this project on the shadow, the oldest first."""
        query = """SELECT datname FROM pg_database
            WHERE starts_with(datname, %s) AND pg_has_role(datdba, 'USAGE') ORDER BY oid"""
        return [str(row[0]) for row in connection.execute(query, [self.prefix]).fetchall()]

    def _replay(self, shadow: Shadow, chain: Sequence[Link], existing: list[str]) -> Catalog:
        """Run what is missing after the longest part of the chain that has a database."""
        self.history.prepare()
        names = [self._name(link) for link in chain]
        done = max((at for at, name in enumerate(names) if name in existing), default=0)
        try:
            return self._replay_after(shadow, chain, existing, done)
        except MigrationError:
            # In one run `op` remembers which enums it has created, and a revision may name one
            # that an earlier revision has made. So the history runs as a whole.
            if not done:
                raise
            return self._replay_after(shadow, chain, existing, 0)

    def _replay_after(
        self, shadow: Shadow, chain: Sequence[Link], existing: list[str], done: int
    ) -> Catalog:
        """Run what follows the first `done` revisions of the chain, on a copy of their database."""
        names = [self._name(link) for link in chain]
        pending = [link.revision for link in chain[done + 1 :] if link.revision]
        template = names[done] if names[done] in existing else None
        # In a scratch database, which takes its name when it is complete: a run that is killed
        # leaves no half of a replay behind.
        with shadow.scratch(template) as database:
            with connect(database) as connection:
                # A crash of the server loses a cache only; waiting for the disk is not worth it.
                connection.execute("SET synchronous_commit = off")
                self.take_path(connection, pending)
                if template is None and chain[0].baseline:
                    baselines.create(
                        self.history, connection, chain[0].baseline, scratch=self.listen
                    )
                self._run(connection, pending, len(chain) - 1, chain[0].baseline)
                catalog = cache.keep(self.project, chain[-1].name, self._read(connection))
            # Renamed from outside: nobody may be connected to a database that gets another name.
            with shadow.connected() as connection:
                self._keep(connection, database.dbname, chain, existing)
        return catalog

    def take_path(self, connection: Connection, pending: Sequence[Revision]) -> None:
        """Make names without a schema lead where they lead on the other database.

        Args:
            connection: a session on a scratch database.
            pending: the revisions that will run in it; they may create the schemas themselves.

        """
        if self.path == USUAL_PATH:
            return
        connection.execute(
            "SELECT set_config('search_path', %s, false)", [quoting.quoted(self.path)]
        )
        texts = [revision.path.read_text(encoding="utf-8") for revision in pending]
        for schema in self.path:
            created = re.compile(rf"(?i)create\s*schema\b[^;]*\b{re.escape(schema)}\b")
            if not any(created.search(text) for text in texts):  # somebody else has created it
                query = sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema))
                connection.execute(query)

    def _run(
        self,
        connection: Connection,
        pending: Sequence[Revision],
        count: int,
        baseline: Baseline | None,
    ) -> None:
        if not pending:
            return
        text = f"replaying {len(pending)} of {counted(count, 'revision')}"
        try:
            with staged(self.listen, text, "revision", len(pending)) as stage:
                running.run(self.history, connection, pending, listen=partial(_count, stage))
        except MigrationError as error:
            raise MigrationError(
                f"{NOT_REPLAYED}{error.message}",
                hint=privileged.hint(error.message) or _hint(baseline),
            ) from error

    def _read(self, connection: Connection) -> Catalog:
        return read(connection, filters=filters(self.project))

    def _longest(self, connection: Connection, chain: Sequence[Link]) -> Sequence[Link]:
        """Return the chain up to the heads, of which that of an older revision is the beginning."""
        if self.revision == "head":
            return chain
        return replace(self, revision="heads")._chain(connection)  # noqa: SLF001 - another replay

    def _keep(
        self, connection: Connection, scratch: str, chain: Sequence[Link], existing: list[str]
    ) -> None:
        """Rename a scratch database to the end of the chain, and drop the oldest of the others.

        Databases of the history itself stay: the next revision begins at its end, a merge, a squash
        or the test of a revision earlier.
        """
        names = [self._name(link) for link in chain]
        query = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        # Where another command has made the same one meanwhile, ours is dropped with its block.
        # Two at the same moment pass the check for the name; the index of names stops the second.
        with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            connection.execute(query.format(sql.Identifier(scratch), sql.Identifier(names[-1])))
        every = {*names, *map(self._name, self._longest(connection, chain))}
        others = [name for name in existing if name not in every]
        for name in others[: -MOST_DATABASES + 1]:
            discard(connection, self.shadow.database, name)


def _hint(baseline: Baseline | None) -> str:
    elsewhere = (
        "If it needs an extension or a role, set SHADOW_DATABASE_URL to a server that has it."
    )
    if baseline:
        return f"Revisions must run after {baseline}; correct this one. {elsewhere}"
    return (
        f"Revisions must run on an empty database; correct this one. {elsewhere} If the history "
        "starts from tables that were there before, keep the schema of a database: limbeck "
        "baseline --from-environment NAME"
    )


def _count(stage: Stage, event: Event) -> None:
    if isinstance(event, RevisionFinished):
        stage.advance()


def searched(connection: Connection) -> tuple[str, ...]:
    """Return the schemas that names without one lead to in revisions on this database."""
    if tenant_of(connection) is not None:
        return USUAL_PATH  # which stands for the tenant on the shadow
    row = connection.execute("SELECT current_schemas(false)::text[]").fetchone()
    schemas: tuple[str, ...] = tuple(row[0]) if row else ()  # type: ignore[arg-type]  # an array
    return schemas or USUAL_PATH
