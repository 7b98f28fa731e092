"""Which Neon project, and with which key: the process environment, .env, the file .neon."""

from __future__ import annotations

import io
import json
import os
import re
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
FILE = ".neon"


def account(project: Project) -> Account:
    """The Neon project and the key to it.

    Raises:
        ConfigurationError: one of them is nowhere; names the places looked at.
    """
    from limbeck.branches.neon.account import (  # noqa: PLC0415 - httpx only when it is needed
        HOST as USUAL,
    )
    from limbeck.branches.neon.account import Account  # noqa: PLC0415 - the same

    written = dotenv.read(project.root / ".env") | dict(os.environ)
    key = written.get(KEY, "").strip()
    if not key:
        raise ConfigurationError(
            f"{KEY} is neither in the process environment nor in .env, so Neon cannot be asked",
            hint=f"make a key in Neon's console, and write {KEY}=napi_... into .env",
        )
    found = written.get(PROJECT, "").strip() or linked(project.root)
    if not found:
        raise ConfigurationError(
            f"{PROJECT} is neither in the process environment nor in .env, "
            f"and no file {FILE} names a project",
            hint=f"write {PROJECT}=... into .env, or type: neon link",
        )
    return Account(key, found, written.get(HOST, "").strip() or USUAL)


def linked(root: Path) -> str | None:
    """The project in the nearest .neon, which Neon's own command line writes; never written here.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    path = _file(root)
    if path is None:
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}", hint="neon link") from error
    found = content.get("projectId") if isinstance(content, dict) else None
    return found if isinstance(found, str) else None


def branches(project: Project, profile: Profile | None = None) -> NeonBranches:
    """The branches of the Neon project, protected as the profiles say.

    Raises:
        ConfigurationError: the key or the project is nowhere.
    """
    from limbeck.branches.neon.connection import Wanted  # noqa: PLC0415 - the same
    from limbeck.branches.neon.provider import (  # noqa: PLC0415 - httpx only when it is needed
        NeonBranches,
    )

    protected = {
        each.neon_branch for each in project.profiles() if each.protected and each.neon_branch
    }
    wanted = Wanted(profile.neon_database, profile.neon_role) if profile else None
    return NeonBranches.of(account(project), protected=frozenset(protected), wanted=wanted)


LOCAL = re.compile(r"^(?P<above>(?:#.*\n)*)DATABASE_URL[ \t]*=[ \t]*local[ \t]*\n?", re.MULTILINE)
SWITCHED = """\
# A branch of the Neon project; its URL is asked from Neon, with the key that .env has.
NEON_BRANCH={}
"""


def switched(text: str, name: str) -> str:
    """A profile's text with its branch at Neon instead of on this machine; any other stays.

    The comment right above `DATABASE_URL=local` goes with it where it speaks of that line.
    """
    from dotenv import dotenv_values  # noqa: PLC0415 - only `init` needs it

    said = dotenv_values(stream=io.StringIO(text), interpolate=False)
    if said.get("NEON_BRANCH") or (found := LOCAL.search(text)) is None:
        return text
    above = "" if "`local`" in found["above"] else found["above"]
    line = above + SWITCHED.format(said.get("BRANCH") or name)
    return text[: found.start()] + line + text[found.end() :]


def _file(root: Path) -> Path | None:
    """The nearest .neon, looked for as Neon does: upwards, not beyond the home folder."""
    for folder in (root, *root.parents):
        if (folder / FILE).is_file():
            return folder / FILE
        if folder == Path.home():
            break
    return None
