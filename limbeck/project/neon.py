"""Find the Neon project and its API key: in the process environment, .env or the file .neon."""

from __future__ import annotations

import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.errors import ConfigurationError
from limbeck.project import dotenv
from limbeck.project.profile import Profile
from limbeck.project.project import Project

if TYPE_CHECKING:
    from limbeck.branches.neon.account import Account
    from limbeck.branches.neon.provider import NeonBranches

KEY, PROJECT, HOST = "NEON_API_KEY", "NEON_PROJECT_ID", "NEON_API_HOST"
ORGANISATION = "NEON_ORG_ID"
FILE = ".neon"


def account(project: Project, *, needs_project: bool = True) -> Account:
    """Return the Neon project and its API key.

    Args:
        project: the project.
        needs_project: whether a Neon project has to be named.

    Raises:
        ConfigurationError: one of them is not set; names the places that were searched.

    """
    from limbeck.branches.neon.account import (  # noqa: PLC0415 - httpx only when it is needed
        HOST as USUAL,
    )
    from limbeck.branches.neon.account import Account  # noqa: PLC0415 - the same

    settings = _settings(project)
    key = settings.get(KEY, "").strip()
    if not key:
        raise ConfigurationError(
            f"{KEY} is neither in the process environment nor in .env; Neon's API needs it",
            hint=f"Create a key in Neon's console, and write {KEY}=napi_... into .env.",
        )
    project_id = settings.get(PROJECT, "").strip() or linked(project.root)
    if not project_id and needs_project:
        raise ConfigurationError(
            f"{PROJECT} is neither in the process environment nor in .env, "
            f"and no file {FILE} names a project",
            hint=f"Write {PROJECT}=... into .env, or run `neon link`.",
        )
    return Account(key, project_id or "", settings.get(HOST, "").strip() or USUAL)


def linked(root: Path) -> str | None:
    """Return the project id in the nearest .neon, a file that Neon's own command line writes.

    Raises:
        ConfigurationError: the file cannot be read.

    """
    path = _file(root)
    if path is None:
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", hint="Run `neon link`."
        ) from error
    project_id = content.get("projectId") if isinstance(content, dict) else None
    return project_id if isinstance(project_id, str) else None


def branches(project: Project, profile: Profile | None = None) -> NeonBranches:
    """Return the branches of the Neon project, protected as the profiles say.

    Raises:
        ConfigurationError: the key or the project is not set.

    """
    from limbeck.branches.neon.connection import Wanted  # noqa: PLC0415 - the same
    from limbeck.branches.neon.provider import (  # noqa: PLC0415 - httpx only when it is needed
        NeonBranches,
    )

    protected = {
        each.neon_branch for each in project.profiles() if each.protected and each.neon_branch
    }
    wanted = (
        Wanted(profile.neon_database, profile.neon_role, sslmode=profile.sslmode)
        if profile
        else None
    )
    return NeonBranches.of(account(project), protected=frozenset(protected), wanted=wanted)


def projects(project: Project, part: str) -> Iterator[tuple[str, NeonBranches]]:
    """Yield the Neon projects whose names have a part, with their branches.

    Neon does not keep names apart: projects with one name are called by their ids.

    Raises:
        ConfigurationError: the key is not set.
        NeonError: Neon refuses the list.

    """
    from limbeck.branches.neon.api import Api  # noqa: PLC0415 - httpx only when it is needed
    from limbeck.branches.neon.provider import NeonBranches  # noqa: PLC0415 - the same

    own = account(project, needs_project=False)
    organisation = _settings(project).get(ORGANISATION, "").strip() or None
    several = [*Api(own).projects(part, organisation)]
    names = Counter(each["name"] for each in several)
    for each in several:
        name = each["name"] if names[each["name"]] == 1 else each["id"]
        yield name, NeonBranches.of(replace(own, project=each["id"]))


def _settings(project: Project) -> dict[str, str]:
    return dotenv.read(project.root / ".env") | dict(os.environ)


LOCAL = re.compile(r"^(?P<above>(?:#.*\n)*)DATABASE_URL[ \t]*=[ \t]*local[ \t]*\n?", re.MULTILINE)
SWITCHED = """\
# A branch of the Neon project; limbeck gets its URL from Neon's API, with the key in .env.
NEON_BRANCH={}
"""


def switched(text: str, name: str) -> str:
    """Return a profile's text with a branch at Neon instead of DATABASE_URL=local.

    Any other profile is returned unchanged. The comment right above that line is removed with it
    if it describes `local`.
    """
    from dotenv import dotenv_values  # noqa: PLC0415 - only `init` needs it

    settings = dotenv_values(stream=io.StringIO(text), interpolate=False)
    if settings.get("NEON_BRANCH") or (local := LOCAL.search(text)) is None:
        return text
    above = "" if "`local`" in local["above"] else local["above"]
    line = above + SWITCHED.format(settings.get("BRANCH") or name)
    return text[: local.start()] + line + text[local.end() :]


def _file(root: Path) -> Path | None:
    """Return the nearest .neon, found as Neon finds it: upwards, not above the home folder."""
    for folder in (root, *root.parents):
        if (folder / FILE).is_file():
            return folder / FILE
        if folder == Path.home():
            break
    return None
