"""The revisions that a git branch adds, for `limbeck lint --since`."""

from __future__ import annotations

import subprocess
from pathlib import Path

from limbeck.errors import ConfigurationError
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.shell import command


def added(history: History, reference: str) -> tuple[Revision, ...]:
    """Return the revisions whose files did not exist where the branch forked from a reference.

    Files that are not committed count as added by the branch.

    Raises:
        ConfigurationError: There is no git, no repository or no such reference.

    """
    folder = history.top
    start = _git(folder, "merge-base", reference, "HEAD", reference=reference)
    words = ("ls-tree", "-r", "-z", "--name-only", start, "./")
    old = set(_git(folder, *words, reference=reference).split("\0"))
    return tuple(
        each for each in history.revisions() if each.path.relative_to(folder).as_posix() not in old
    )


def _git(folder: Path, *words: str, reference: str) -> str:
    try:
        result = subprocess.run(  # noqa: S603 - a reference may not begin with a dash
            ["git", "-C", str(folder), *_plain(words)],  # noqa: S607 - git is found on the path
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise ConfigurationError(
            "git is not installed", hint="Name the revisions instead of --since."
        ) from error
    if result.returncode:
        fetch = command("git", "fetch", "origin", reference.removeprefix("origin/"))
        raise ConfigurationError(
            f"git does not find where this branch forked from {reference}: {result.stderr.strip()}",
            hint=f"Run `{fetch}`; in a shallow clone, "
            "as in CI, `git fetch --unshallow` first. Or name the revisions.",
        )
    return result.stdout.strip()


def _plain(words: tuple[str, ...]) -> tuple[str, ...]:
    options = {"-r", "-z", "--name-only"}
    return tuple(word for word in words if word in options or not word.startswith("-"))
