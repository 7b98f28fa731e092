"""The names under which catalogs and databases are kept: hashes of what they are made of."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass

from limbeck.history import content
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.project.project import Project
from limbeck.shadow import ingredients
from limbeck.version import __version__


@dataclass(frozen=True, slots=True)
class Link:
    """What is kept after a revision (None: the empty database), and its key."""

    key: str
    revision: Revision | None = None

    @property
    def name(self) -> str:
        """The name of its catalog."""
        return f"replay-{self.key}"


def chain(project: Project, history: History, revision: str, shadow: str) -> list[Link]:
    """Return the links up to a revision, the empty one first; `shadow` is that server's identity.

    Raises:
        HistoryError: the revision is not there, or "head" means two.

    """
    start = _start(project, shadow)
    hashes = content.hashes(history, revision)
    return [Link(hashed(start)), *(Link(hashed(start, digest), one) for one, digest in hashes)]


def models(project: Project, shadow: str) -> str | None:
    """Return the name of the catalog of the models as the files are; None when it is not known.

    Models that are imported already count as they are in memory, which no file tells.
    """
    if project.models.partition(":")[0].partition(".")[0] in sys.modules:
        return None
    found = ingredients.load(project)
    return None if found is None else made_of(project, shadow, found.state(project, os.environ))


def made_of(project: Project, shadow: str, state: str) -> str:
    """Return the name of the catalog of models whose ingredients are in this state."""
    return f"models-{hashed(_start(project, shadow), state)}"


def hashed(*parts: str) -> str:
    """Return a short hash."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _start(project: Project, shadow: str) -> str:
    seen = (
        project.include_schemas,
        project.exclude_schemas,
        project.include_tables,
        project.exclude_tables,
        project.grants,
    )
    return f"{shadow} {__version__} {seen}"
