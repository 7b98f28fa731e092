"""The schema that the models describe."""

from __future__ import annotations

from dataclasses import dataclass, field

from limbeck.events import Listener, StageStarted, ignore
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.shadow import cache, identity, ingredients, keys
from limbeck.shadow.filters import filters
from limbeck.shadow.recording import recording
from limbeck.shadow.shadow import Shadow


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a project, as Postgres creates them on the shadow."""

    project: Project
    profile: Profile | None = None
    listen: Listener = field(default=ignore, compare=False, repr=False)

    def __str__(self) -> str:
        return "models"

    def catalog(self) -> Catalog:
        """Create the models in a scratch database and read it.

        What they make is kept, by the content of all that importing them read; while that is
        the same they are not even imported.

        Raises:
            ModelsError: they do not import, or Postgres refuses a table or a type of theirs.

        """
        shadow = Shadow.of(self.project, self.profile, listen=self.listen)
        server = identity.known(self.project, self.profile) or ""
        name = keys.models(self.project, server)
        if name and (known := cache.catalog(self.project, name)) is not None:
            return known
        return self._made(shadow, server)

    def _made(self, shadow: Shadow, server: str) -> Catalog:
        from limbeck.shadow.creation import created  # noqa: PLC0415 - SQLAlchemy is slow to import

        with recording() as read:
            metadata = self.project.metadata()
        found = read.ingredients()
        state = found.state(self.project, read.environment) if found else ""
        self.listen(StageStarted("creating the models on the shadow"))
        with shadow.scratch() as database:
            catalog = created(metadata, database, filters(self.project))
        if found is not None:
            ingredients.save(self.project, found)
            cache.keep(self.project, keys.made_of(self.project, server, state), catalog)
        return catalog
