"""The names of cached catalogs and databases: hashes of what they are made of."""

from __future__ import annotations

import hashlib
import sys

from limbeck.dataclass import dataclass
from limbeck.history import accepted, content
from limbeck.history import baseline as baselines
from limbeck.history.baseline import Baseline
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.project import majors
from limbeck.project.project import Project
from limbeck.shadow import ingredients
from limbeck.version import __version__


@dataclass(frozen=True, slots=True)
class Link:
    """The key of the state after a revision.

    Without one it is what a replay starts from: a baseline, or else the empty database.
    """

    key: str
    revision: Revision | None = None
    baseline: Baseline | None = None

    @property
    def name(self) -> str:
        """The name of its catalog in the cache."""
        return f"replay-{self.key}"


def chain(project: Project, history: History, revision: str, shadow: str) -> list[Link]:
    """Return the links up to a revision; the first is what the replay starts from.

    Args:
        project: whose filters decide what a catalog holds.
        history: the history that the revision belongs to.
        revision: its id, or "head", or "base".
        shadow: the identity of the server on which the history is replayed.

    Raises:
        HistoryError: there is no such revision, "head" means two, or the revision is below the
            baseline of the history.

    """
    start = _start(project, shadow)
    baseline = baselines.below(history, [each.id for each in history.find(revision)])
    if baseline is not None:
        start = f"{start} {baseline.digest}"
    hashes = content.hashes(history, revision, baseline.revisions if baseline else ())
    first = Link(hashed(start), baseline=baseline)
    return [first, *(Link(hashed(start, digest), each) for each, digest in hashes)]


def models(project: Project, shadow: str) -> str | None:
    """Return the name of the catalog of the models as they are now; None where it is unknown.

    It is unknown before the models were first imported in this project, and once they are imported
    in this process: what counts then is in memory, not in files.
    """
    if project.models.partition(":")[0].partition(".")[0] in sys.modules:
        return None
    known = ingredients.load(project)
    if known is None:
        return None
    return made_of(project, shadow, known.state(project, ingredients.environment(project)))


def made_of(project: Project, shadow: str, state: str) -> str:
    """Return the name of the catalog of models whose ingredients are in this state."""
    left_out = sorted(entry.line() for entry in accepted.refused(project))
    return f"models-{hashed(_start(project, shadow), state, *left_out)}"


def statements(project: Project, shadow: str, fingerprint: str) -> str:
    """Return the name of the statements that have made a schema with this fingerprint."""
    return f"statements-{hashed(_start(project, shadow), fingerprint)}"


def hashed(*parts: str) -> str:
    """Return a short hash."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _start(project: Project, shadow: str) -> str:
    """Return what every catalog depends on: the server, this version, and the filters."""
    seen = (
        project.include_schemas,
        project.exclude_schemas,
        project.include_tables,
        project.exclude_tables,
        project.grants,
        project.code.env_text,
    )
    lowest = majors.lowest(project)
    written = f" for {lowest}" if lowest else ""
    part = f" of {project.part}" if project.part else ""
    return f"{shadow} {__version__} {seen}{written}{part}"
