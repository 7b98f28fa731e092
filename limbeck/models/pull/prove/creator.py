"""The program that creates models: it gets ready while something else is done."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from limbeck.errors import ModelsError
from limbeck.postgres.database import Database


@dataclass(frozen=True, slots=True)
class Creator:
    """A program that waits for what it is to create, once."""

    program: subprocess.Popen[str]

    def create(
        self, package: str, metadata: str, folder: Path, root: Path | None, scratch: Database
    ) -> None:
        """Import models, configure their mappers and create all of their MetaData.

        Args:
            package: the dotted name of the package or module.
            metadata: where the MetaData is in it, dotted.
            folder: where the package lies.
            root: of the repository that the rest of the application comes from.
            scratch: an empty database.

        Raises:
            ModelsError: the models do not import, do not configure, or Postgres refuses them.

        """
        given = {
            "url": scratch.url,
            "package": package,
            "metadata": metadata,
            "folder": str(folder),
            "root": str(root.resolve()) if root else None,
        }
        _, talk = self.program.communicate(json.dumps(given))
        if self.program.returncode:
            said = talk.strip().splitlines() or ["no word of it"]
            raise ModelsError(
                f"the pulled models cannot be created: {said[-1]}",
                hint="This is a fault of limbeck: please report it with the table's definition.",
            )


@contextmanager
def creator() -> Iterator[Creator]:
    """Start the program for the length of a block; it imports SQLAlchemy in the meantime."""
    # -P: what lies in the working directory is not to be imported.
    command = [sys.executable, "-P", "-m", "limbeck.models.pull.prove.create"]
    with subprocess.Popen(  # noqa: S603 - Python itself, on limbeck
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as program:
        try:
            yield Creator(program)
        finally:
            if program.poll() is None:
                program.kill()
