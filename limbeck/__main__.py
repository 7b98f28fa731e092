"""The command `limbeck`, also as `python -m limbeck`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

from limbeck.errors import LimbeckError

if TYPE_CHECKING:
    from limbeck.project.project import Project

_ELSEWHERE: Final = ("-h", "--help", "--project", "--tenant")


def run() -> NoReturn:
    """Run one command and end the process; see `limbeck.cli.run`."""
    project = started(sys.argv[1:])
    from limbeck.cli import run as command  # noqa: PLC0415 - the worker starts before

    command(project)


def started(words: Sequence[str]) -> Project | None:
    """Return the project of a `migrate`, whose interpreter imports what it needs meanwhile.

    Only where the words say plainly what is wanted, and which project; otherwise, and where
    something is wrong, the command itself finds it, or says why not.
    """
    if words[:1] != ["migrate"] or any(word.startswith(_ELSEWHERE) for word in words):
        return None
    from limbeck.project.project import Project  # noqa: PLC0415 - other commands may need none

    with suppress(LimbeckError):
        project = Project.find(None)
        project.code.start_for_revisions()
        return project
    return None


if __name__ == "__main__":
    run()
