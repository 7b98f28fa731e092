"""The majors of Postgres that connections have shown: notes, of which profiles are completed.

Only what is committed, POSTGRES in a profile, shapes the SQL of a revision. `limbeck init` and
`limbeck doctor --write` write the notes down there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from limbeck.errors import LimbeckError
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.project.urls import find_url

FILE = "majors.json"


class Completion(NamedTuple):
    """A committed profile that does not declare the major of its database, and that major."""

    path: Path
    major: int

    @property
    def text(self) -> str:
        """The text of the completed file."""
        before = self.path.read_text(encoding="utf-8")
        gap = "" if not before or before.endswith("\n") else "\n"
        return f"{before}{gap}POSTGRES={self.major}\n"


def seen(project: Project) -> dict[str, int]:
    """Return the majors that connections have shown, by environment."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        content = json.loads((project.home / FILE).read_bytes())
        return {str(name): int(major) for name, major in content.items()}
    return {}


def note(project: Project, profile: Profile, server_version: int) -> None:
    """Save the major that a connection to an environment has shown; an error is ignored.

    A branch on this machine shows nothing: it runs whatever is declared.

    Args:
        project: The project.
        profile: The environment.
        server_version: The number of the version, such as 180006.

    """
    major, known = server_version // 10000, seen(project)
    if profile.postgres is not None or known.get(profile.name) == major:
        return
    # The profile of a preview has no file.
    if not _committed(project, profile).is_file() or _is_local(project, profile):
        return
    path = project.home / FILE
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(known | {profile.name: major}) + "\n")
        fresh.replace(path)


def with_major(project: Project, profile: Profile) -> Profile:
    """Return a profile with the major that it declares, or else the one that was seen."""
    if profile.postgres is not None:
        return profile
    return replace(profile, postgres=seen(project).get(profile.name))


def completions(project: Project) -> Iterator[Completion]:
    """Yield the committed profiles that do not declare the major that was seen."""
    known = seen(project)
    for profile in project.profiles():
        path = _committed(project, profile)
        if profile.postgres is None and profile.name in known and path.is_file():
            yield Completion(path, known[profile.name])


def _committed(project: Project, profile: Profile) -> Path:
    return project.profiles_dir / f"{profile.name}.env"


def _is_local(project: Project, profile: Profile) -> bool:
    try:
        return find_url(project, profile).local
    except LimbeckError:
        return False
