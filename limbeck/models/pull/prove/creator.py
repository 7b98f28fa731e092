"""Starts the program that creates models early, so that it imports while pull reads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.engine import privileged
from limbeck.errors import ModelsError
from limbeck.postgres.database import Database

BUG = "This is a bug in limbeck. Please report it with the definition of the table."


@dataclass(frozen=True, slots=True)
class Refused:
    """An object that Postgres refuses: an "entity" by its number, a "table" by its name.

    A "needed" one is an extension or a schema, without which most others fail as well.
    """

    kind: str
    place: int | str
    message: str


class RefusedError(ModelsError):
    """Models that cannot be created; `refused` are the objects that Postgres refuses."""

    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Creator:
    """A running program that creates models once."""

    program: subprocess.Popen[str]

    def create(
        self, package: str, metadata: str, folder: Path, root: Path | None, scratch: Database
    ) -> None:
        """Import models, configure their mappers and create all of their MetaData.

        Args:
            package: the dotted name of the package or module.
            metadata: the dotted name of the MetaData in it.
            folder: the folder of the package.
            root: the repository with the rest of the application.
            scratch: an empty database.

        Raises:
            RefusedError: the models do not import, do not configure, or Postgres refuses them.

        """
        given = {
            "url": scratch.url,
            "superuser": scratch.superuser,
            "package": package,
            "metadata": metadata,
            "folder": str(folder),
            "root": str(root.resolve()) if root else None,
        }
        answer, talk = self.program.communicate(json.dumps(given))
        if self.program.returncode:
            lines = talk.strip().splitlines() or ["no message"]
            error = RefusedError(
                f"the pulled models cannot be created: {lines[-1]}",
                hint=privileged.hint(lines[-1]) or BUG,
            )
            error.refused = tuple(Refused(*item) for item in json.loads(answer or "[]"))
            raise error


@contextmanager
def creator() -> Iterator[Creator]:
    """Run the program during a block; it imports SQLAlchemy at once."""
    # -P: modules in the working directory must not be imported.
    command = [sys.executable, "-P", "-m", "limbeck.models.pull.prove.create"]
    with subprocess.Popen(  # noqa: S603 - Python itself, on limbeck
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as program:
        try:
            yield Creator(program)
        finally:
            if program.poll() is None:
                program.kill()
