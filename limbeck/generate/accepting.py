"""Accept the present differences between the history and the models; `limbeck accept`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from limbeck.schema.diff.settling import Difference, differences
from limbeck.shadow.models import Models
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
    settled = settle(project, recorded, Models(project, profile, listen).catalog())
    present = differences(recorded, settled.catalog)
    for name in names:
        if not any(_named(each, name) for each in present):
            raise ConfigurationError(
                f"{name} names no difference", hint="See all of them: limbeck accept --dry-run"
            )
    chosen = [each for each in present if not names or any(_named(each, n) for n in names)]
    acceptance = Acceptance(
        accepted.path(project),
        tuple(Entry.of(each, reason) for each in chosen),
        settled.idle,
    )
    if (acceptance.added or (prune and settled.idle)) and confirm(acceptance):
        left = [e for e in accepted.read(project) if not (prune and e in settled.idle)]
        accepted.write(project, [*left, *acceptance.added])
    return acceptance


def _named(difference: Difference, pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in difference.names)
