"""The schema that the models describe."""

from __future__ import annotations

from dataclasses import dataclass, field

from limbeck.catalog.catalog import Catalog
from limbeck.events import Listener, StageStarted, ignore
from limbeck.settings import Profile, Project
from limbeck.sources.filters import filters
from limbeck.sources.shadow import Shadow


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

        Raises:
            ModelsError: they do not import, or Postgres refuses a table or a type of theirs.

        """
        from limbeck.sources.creation import created  # noqa: PLC0415 - SQLAlchemy is slow to import

        metadata = self.project.metadata()
        shadow = Shadow.of(self.project, self.profile, listen=self.listen)
        self.listen(StageStarted("creating the models on the shadow"))
        with shadow.scratch() as database:
            return created(metadata, database, filters(self.project))
