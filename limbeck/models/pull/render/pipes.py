"""Source through ruff, in processes that work while more of it is made."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self, TypeVar

from ruff import find_ruff_bin

from limbeck.errors import LimbeckError

Part = TypeVar("Part")
# Starting a process takes as long as ruff takes for some thousand lines.
_LEAST = 200_000


@dataclass(frozen=True, slots=True)
class Run:
    """A process of ruff that reads a text and writes another."""

    process: subprocess.Popen[bytes]
    verb: str
    made: IO[bytes]
    said: IO[bytes]

    def text(self) -> str:
        """Wait for the text that it makes.

        Raises:
            LimbeckError: ruff cannot read what it is given, or its settings.

        """
        code = self.process.wait()
        texts = []
        for file in (self.made, self.said):
            file.seek(0)
            texts.append(file.read().decode().replace("\r\n", "\n"))
            file.close()
        if code:
            raise _refusal(self.verb, *texts)
        return texts[0]


class Ruff:
    """Ruff in one folder with the same settings, in as many processes as there are processors.

    Leaving its block waits for all of them.
    """

    def __init__(self, place: Path, settings: Sequence[str]) -> None:
        self.place = place
        self.settings = settings
        self._program = find_ruff_bin()
        self._running: deque[Run] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._running:
            one.process.wait()

    def started(self, verb: str, options: Sequence[str], text: str) -> Run:
        """Start a process on a text; wait for an earlier one where there are enough."""
        self._running = deque(one for one in self._running if one.process.poll() is None)
        if len(self._running) >= (os.cpu_count() or 1):
            self._running.popleft().process.wait()
        # Pipes would have to be read and written while the process works.
        made = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it is read
        said = tempfile.TemporaryFile()  # noqa: SIM115 - the same
        with tempfile.TemporaryFile() as given:
            given.write(text.encode())
            given.seek(0)
            process = subprocess.Popen(  # noqa: S603 - ruff itself, on text just made
                [self._program, verb, *self.settings, *options, "-"],
                cwd=self.place,
                stdin=given,
                stdout=made,
                stderr=said,
            )
        self._running.append(Run(process, verb, made, said))
        return self._running[-1]


def run(place: Path, arguments: Sequence[str]) -> str:
    """Run ruff in a folder and return what it prints.

    Raises:
        LimbeckError: ruff cannot read what it is to change, or its settings.

    """
    done = subprocess.run(  # noqa: S603 - ruff itself, on text just written
        [find_ruff_bin(), *arguments],
        cwd=place,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise _refusal(arguments[0], done.stdout, done.stderr)
    return done.stdout


def _refusal(verb: str, made: str, said: str) -> LimbeckError:
    return LimbeckError(
        f"ruff {verb} refuses the pulled models: {said.strip() or made.strip()}",
        hint="Does `ruff check` accept the settings of this repository?",
    )


def loads(parts: Iterable[tuple[Part, int]]) -> Iterator[list[Part]]:
    """Yield parts together that are worth a process of their own; `parts` come with their sizes."""
    load: list[Part] = []
    size = 0
    for part, length in parts:
        load.append(part)
        size += length
        if size >= _LEAST:
            yield load
            load, size = [], 0
    if load:
        yield load
