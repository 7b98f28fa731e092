"""The schema that the models describe: created on the shadow once, then cached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, cast

from limbeck.dataclass import dataclass
from limbeck.errors import ModelsError
from limbeck.events import Listener, Notice, StageStarted, ignore
from limbeck.history import accepted
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.project.code.in_process import InProcess
from limbeck.project.code.recording import recording
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.shadow import cache, changed_tables, identity, ingredients, keys, unimported
from limbeck.shadow.filters import filters
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow

if TYPE_CHECKING:
    from limbeck.project.code.out_of_process import OutOfProcess
    from limbeck.shadow.refusals import Judge, Refusal


@dataclass(frozen=True, slots=True)
class Recorded:
    """The history on the shadow, with its catalog."""

    replay: Replay
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a project, as Postgres creates them on the shadow.

    `opened` is the shadow with an open session, if the caller has one. `recorded` is the history
    to begin with: only the tables that have changed since are created.

    An index or a constraint that Postgres refuses is an error, unless `may_leave_out` agrees; by
    default, accepted.toml does.
    """

    project: Project
    profile: Profile | None = None
    listen: Listener = field(default=ignore, compare=False, repr=False)
    opened: Shadow | None = field(default=None, compare=False, repr=False)
    recorded: Recorded | None = field(default=None, compare=False, repr=False)
    may_leave_out: Judge | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return "models"

    def on(self, major: int) -> Models:
        """Return the same on a shadow of this major."""
        return replace(self, project=self.project.on(major), opened=None, recorded=None)

    def catalog(self) -> Catalog:
        """Create the models in a scratch database and return its catalog.

        The catalog is cached by the content of all that the import of the models read. While
        that is the same, they are not even imported.

        Raises:
            ModelsError: the models do not import, or Postgres refuses one of their tables or types.

        """
        ingredients.prepare(self.project)  # a worker starts while the shadow does
        shadow = self.opened or Shadow.of(self.project, self.profile, listen=self.listen)
        server = shadow.identity or identity.known(self.project, self.profile) or ""
        name = keys.models(self.project, server)
        if name and (cached := cache.catalog(self.project, name)) is not None:
            return cached
        return self._create(shadow, server)

    def _create(self, shadow: Shadow, server: str) -> Catalog:
        code = self.project.code.of_models()
        if not isinstance(code, InProcess):
            return self._create_described(cast("OutOfProcess", code), shadow, server)
        from limbeck.shadow.conflicts import refuse_two_enums  # noqa: PLC0415 - as above
        from limbeck.shadow.creation import (  # noqa: PLC0415 - SQLAlchemy is slow to import
            created,
            created_without,
            described,
            noticing_connections,
            schemas,
        )

        version = self._copying_ahead(shadow)
        with recording() as recorded, noticing_connections(recorded):
            metadata = self.project.metadata()
        # Before the models are created, which takes a while: an edit meanwhile must not count.
        read = recorded.read()
        taken = ingredients.taken(self.project, read, recorded.began, recorded.environment)
        unimported.refuse(self.project, read, len(metadata.tables), self.listen)
        self.listen(StageStarted("creating the models on the shadow"))
        statements = described(metadata, version)
        refuse_two_enums(metadata)
        catalog = self._changed(statements, shadow, server)
        if catalog is None:
            shown = filters(self.project)
            some = partial(created_without, statements, sorted(schemas(metadata)), filters=shown)
            catalog = self._all(
                partial(created, metadata, filters=shown, listen=self.listen),
                some if statements else None,
                shadow,
            )
        self._keep(taken, server, catalog, statements)
        return catalog

    def _copying_ahead(self, shadow: Shadow) -> int:
        """Let the server copy the recorded history meanwhile; return the server's version.

        A change of the models is tried on this copy, and the revision is proved on it.
        """
        with shadow.connected() as connection:
            version = connection.info.server_version
        if self.recorded is not None and (template := self.recorded.replay.existing()):
            shadow.copy_ahead(template)
        return version

    def _changed(self, statements: Sequence[str], shadow: Shadow, server: str) -> Catalog | None:
        """Return the schema as a difference to the recorded history, where it is little more."""
        if self.recorded is None or not statements:
            return None
        replay, recorded = self.recorded.replay, self.recorded.catalog
        fingerprint = replay.fingerprint()
        name = keys.statements(self.project, server, fingerprint or "")
        former = cache.statements(self.project, name)
        change = changed_tables.between(former, statements) if former else None
        if change is None:
            return None
        if not change.tables and not change.statements:
            return recorded
        template, own = replay.template(), filters(self.project)
        with shadow.borrowed(template) as database, connect(database) as connection:
            since = shadow.mark(template, connection)
            return changed_tables.created(connection, change, recorded, own, since)

    def _all(
        self,
        whole: Callable[[Database], Catalog],
        without: Callable[[Database, Judge], Catalog] | None,
        shadow: Shadow,
    ) -> Catalog:
        """Create all of the models, or all but what Postgres refuses and a project leaves out."""
        idle = list(accepted.refused(self.project))

        def judge(refusal: Refusal) -> bool:
            entries = [entry for entry in idle if refusal.entry(entry.reason) == entry]
            for entry in entries:
                idle.remove(entry)
            return bool(entries) if self.may_leave_out is None else self.may_leave_out(refusal)

        try:
            with shadow.scratch() as database:
                catalog = whole(database)
        except ModelsError:
            if without is None or (self.may_leave_out is None and not idle):
                raise
            with shadow.scratch() as database:
                catalog = without(database, judge)
        for entry in idle:
            self.listen(Notice(entry.idle))
        return catalog

    def _keep(
        self,
        taken: tuple[ingredients.Ingredients, str] | None,
        server: str,
        catalog: Catalog,
        statements: Sequence[str],
    ) -> None:
        """Cache a catalog by the content of what its models are made of, if that is known."""
        if statements:
            name = keys.statements(self.project, server, catalog.fingerprint())
            cache.keep_statements(self.project, name, statements)
        if taken is not None:
            ingredients.save(self.project, *taken)
            cache.keep(self.project, keys.made_of(self.project, server, taken[1]), catalog)

    def _create_described(self, code: OutOfProcess, shadow: Shadow, server: str) -> Catalog:
        """Create the models from the statements that the project's own interpreter gives.

        The catalog is cached by these statements as well: an edit that changes none of them
        creates nothing.
        """
        self.listen(StageStarted(f"importing the models with {code.python}"))
        version = self._copying_ahead(shadow)
        described = code.models(self.project.models, version, shadow.database.url)
        variables = ingredients.environment(self.project)
        taken = ingredients.taken(self.project, described.read, described.began, variables)
        tables = sum("CREATE TABLE" in text for text in described.statements)
        unimported.refuse(self.project, described.read, tables, self.listen)
        name = keys.made_of(self.project, server, repr(replace(described, read=None, began=0.0)))
        if self.project.cache and (cached := cache.catalog(self.project, name)) is not None:
            self._keep(taken, server, cached, ())
            return cached
        from limbeck.shadow import creation  # noqa: PLC0415 - SQLAlchemy is slow to import
        from limbeck.shadow.conflicts import refuse_different  # noqa: PLC0415 - as above

        self.listen(StageStarted("creating the models on the shadow"))
        refuse_different(described.enums)
        catalog = self._changed(described.statements, shadow, server)
        if catalog is None:
            shown = filters(self.project)
            several = described.statements, described.schemas
            catalog = self._all(
                partial(creation.created_from, described, filters=shown, listen=self.listen),
                partial(creation.created_without, *several, filters=shown),
                shadow,
            )
        self._keep(taken, server, catalog, described.statements)
        return cache.keep(self.project, name, catalog)
