"""Accept the present differences between the history and the models; `limbeck accept`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError
from limbeck.events import Listener
from limbeck.history import accepted
from limbeck.history.accepted import Entry
from limbeck.logs import log
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.diff.settling import differences
from limbeck.shadow.models import Models
from limbeck.shadow.refusals import Refusal
from limbeck.shadow.replay import Replay
from limbeck.shadow.settled import settle


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The entries that `accept` adds to accepted.toml, and those that apply to nothing any more."""

    file: Path
    added: tuple[Entry, ...]
    idle: tuple[Entry, ...] = ()


def accept(  # noqa: PLR0913 - each of them is an option of the command
    project: Project,
    profile: Profile | None = None,
    *,
    names: Sequence[str] = (),
    reason: str = "",
    prune: bool = False,
    confirm: Callable[[Acceptance], bool] = lambda _: True,
    listen: Listener = log,
) -> Acceptance:
    """Write the present differences into accepted.toml, and return what was added.

    Args:
        project: The project.
        profile: An environment with a history of its own.
        names: Patterns of the names of objects, such as public.books.*; all objects without any.
        reason: Why the differences stay.
        prune: Whether to remove entries that apply to no difference any more.
        confirm: Is asked before anything is written; nothing is if it returns False.
        listen: Receives the stages.

    Raises:
        ConfigurationError: A name matches no difference, or accepted.toml is wrong.

    """
    recorded = Replay(project, "head", profile, listen).catalog()
    refused: list[Refusal] = []
    settled = settle(project, recorded, _models(project, profile, listen, refused))
    present = {
        **{each.entry(reason): (each.object,) for each in refused},
        **{Entry.of(each, reason): each.names for each in differences(recorded, settled.catalog)},
    }
    for name in names:
        if not any(_named(several, [name]) for several in present.values()):
            raise ConfigurationError(
                f"{name} names no difference", hint="See all of them: limbeck accept --dry-run"
            )
    known = {replace(entry, reason="") for entry in settled.refused}
    acceptance = Acceptance(
        accepted.path(project),
        tuple(
            entry
            for entry, several in present.items()
            if (not names or _named(several, names)) and replace(entry, reason="") not in known
        ),
        (*settled.idle, *_idle(settled.refused, refused)),
    )
    if (acceptance.added or (prune and acceptance.idle)) and confirm(acceptance):
        left = [e for e in accepted.read(project) if not (prune and e in acceptance.idle)]
        accepted.write(project, [*left, *acceptance.added])
    return acceptance


def _models(
    project: Project, profile: Profile | None, listen: Listener, refused: list[Refusal]
) -> Catalog:
    """Return the schema of the models without what Postgres refuses, which goes into a list."""

    def leave_out(refusal: Refusal) -> bool:
        refused.append(refusal)
        return True

    if accepted.refused(project):  # a catalog in the cache does not say what it was made without
        project = replace(project, cache=False)
    return Models(project, profile, listen, may_leave_out=leave_out).catalog()


def _idle(entries: Sequence[Entry], refused: Sequence[Refusal]) -> Iterator[Entry]:
    """Yield the entries about objects that Postgres does not refuse any more."""
    for entry in entries:
        if not any(each.entry(entry.reason) == entry for each in refused):
            yield entry


def _named(names: Iterable[str], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
