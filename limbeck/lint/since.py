"""Which revisions a git branch adds."""

from __future__ import annotations

import subprocess
from pathlib import Path

from limbeck.errors import ConfigurationError
from limbeck.history.history import History
from limbeck.history.revisions import Revision


def added(history: History, reference: str) -> tuple[Revision, ...]:
    """Return the revisions whose files were not there where the branch left a git reference.

    What is not committed yet counts as the branch's.

    Raises:
        ConfigurationError: there is no git, no repository or no such reference.

    """
    folder = history.folder
    start = _git(folder, "merge-base", reference, "HEAD", reference=reference)
    listed = _git(folder, "ls-tree", "-z", "--name-only", start, "./", reference=reference)
    there = set(listed.split("\0"))
    return tuple(one for one in history.revisions() if one.path.name not in there)


def _git(folder: Path, *words: str, reference: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a reference may not begin with a dash
            ["git", "-C", str(folder), *_plain(words)],  # noqa: S607 - git is found on the path
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise ConfigurationError("git is not installed here", hint="Name the revisions.") from error
    if done.returncode:
        raise ConfigurationError(
            f"git does not know where this branch left {reference}: {done.stderr.strip()}",
            hint=f"git fetch origin {reference.removeprefix('origin/')}; in a clone without its "
            "past, as CI makes it, git fetch --unshallow before. Or name the revisions.",
        )
    return done.stdout.strip()


def _plain(words: tuple[str, ...]) -> tuple[str, ...]:
    options = {"-z", "--name-only"}
    return tuple(word for word in words if word in options or not word.startswith("-"))
