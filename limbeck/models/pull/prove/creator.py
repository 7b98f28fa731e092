"""Starts the program that creates models early, so that it imports while pull reads."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Any

from limbeck.dataclass import dataclass
from limbeck.engine import privileged
from limbeck.errors import ModelsError
from limbeck.postgres.database import Database
from limbeck.stages import Stage

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
    errors: IO[str]

    def create(  # noqa: PLR0913 - the models, and where to create them
        self,
        package: str,
        metadata: str,
        folder: Path,
        root: Path | None,
        scratch: Database,
        *,
        stage: Stage,
    ) -> None:
        """Import models, configure their mappers and create all of their MetaData.

        Args:
            package: the dotted name of the package or module.
            metadata: the dotted name of the MetaData in it.
            folder: the folder of the package.
            root: the repository with the rest of the application.
            scratch: an empty database.
            stage: counts the tables.

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
        refused: list[list[Any]] = []
        for answer in self._answers(json.dumps(given)):
            if isinstance(answer, int):
                stage.advance(answer - stage.done)
            else:
                refused = answer
        if self.program.wait():
            self.errors.seek(0)
            lines = self.errors.read().strip().splitlines() or ["no message"]
            error = RefusedError(
                f"the pulled models cannot be created: {lines[-1]}",
                hint=privileged.hint(lines[-1]) or BUG,
            )
            error.refused = tuple(Refused(*item) for item in refused)
            raise error

    def _answers(self, given: str) -> Iterator[Any]:
        """Pass the program what it needs; yield how many tables there are, and what is refused."""
        with suppress(BrokenPipeError), self.program.stdin or nullcontext() as stdin:  # it ended
            if stdin:
                stdin.write(given)
        for line in self.program.stdout or ():
            yield json.loads(line)


@contextmanager
def creator() -> Iterator[Creator]:
    """Run the program during a block; it imports SQLAlchemy at once."""
    # -P: modules in the working directory must not be imported.
    command = [sys.executable, "-P", "-m", "limbeck.models.pull.prove.create"]
    with (
        # A file, because a full pipe would stop a program that has a lot to say.
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors,
        subprocess.Popen(  # noqa: S603 - Python itself, on limbeck
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
        ) as program,
    ):
        try:
            yield Creator(program, errors)
        finally:
            if program.poll() is None:
                program.kill()
