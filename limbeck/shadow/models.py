"""The schema that the models describe: created on the shadow once, then cached."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from limbeck.events import Listener, StageStarted, ignore
from limbeck.postgres.connect import connect
from limbeck.project.code.in_process import InProcess
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.shadow import cache, identity, ingredients, keys
from limbeck.shadow.filters import filters
from limbeck.shadow.recording import recording
from limbeck.shadow.shadow import Shadow

if TYPE_CHECKING:
    from limbeck.project.code.out_of_process import OutOfProcess


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a project, as Postgres creates them on the shadow."""

    project: Project
    profile: Profile | None = None
    listen: Listener = field(default=ignore, compare=False, repr=False)

    def __str__(self) -> str:
        return "models"

    def on(self, major: int) -> Models:
        """Return the same on a shadow of this major."""
        return replace(self, project=self.project.on(major))

    def catalog(self) -> Catalog:
        """Create the models in a scratch database and return its catalog.

        The catalog is cached by the content of all that the import of the models read. While
        that is the same, they are not even imported.

        Raises:
            ModelsError: the models do not import, or Postgres refuses one of their tables or types.

        """
        self.project.code.of_models().prepare("models")  # it starts while the shadow does
        shadow = Shadow.of(self.project, self.profile, listen=self.listen)
        server = identity.known(self.project, self.profile) or ""
        name = keys.models(self.project, server)
        if name and (cached := cache.catalog(self.project, name)) is not None:
            return cached
        return self._create(shadow, server)

    def _create(self, shadow: Shadow, server: str) -> Catalog:
        code = self.project.code.of_models()
        if not isinstance(code, InProcess):
            return self._create_described(cast("OutOfProcess", code), shadow, server)
        from limbeck.shadow.creation import created  # noqa: PLC0415 - SQLAlchemy is slow to import

        with recording() as recorded:
            metadata = self.project.metadata()
        # Before the models are created, which takes a while: an edit meanwhile must not count.
        read = recorded.ingredients()
        state = read.state(self.project, recorded.environment) if read else ""
        self.listen(StageStarted("creating the models on the shadow"))
        with shadow.scratch() as database:
            catalog = created(metadata, database, filters(self.project))
        if read is not None:
            ingredients.save(self.project, read)
            cache.keep(self.project, keys.made_of(self.project, server, state), catalog)
        return catalog

    def _create_described(self, code: OutOfProcess, shadow: Shadow, server: str) -> Catalog:
        """Create the models from the statements that the project's own interpreter gives.

        The catalog is cached by these statements: what the models are made of is not known.
        """
        self.listen(StageStarted(f"importing the models with {code.python}"))
        with connect(shadow.database) as connection:
            version = connection.info.server_version
        described = code.models(self.project.models, version, shadow.database.url)
        name = keys.made_of(self.project, server, repr(described))
        if self.project.cache and (cached := cache.catalog(self.project, name)) is not None:
            return cached
        from limbeck.shadow import creation  # noqa: PLC0415 - SQLAlchemy is slow to import

        self.listen(StageStarted("creating the models on the shadow"))
        with shadow.scratch() as database:
            catalog = creation.created_from(described, database, filters(self.project))
        return cache.keep(self.project, name, catalog)
