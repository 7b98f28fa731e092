"""A worker process of a project's own interpreter, and the requests that it answers."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from select import select
from threading import Lock, RLock
from typing import Any, Final, TypeAlias
from weakref import finalize

from limbeck.errors import ConfigurationError
from limbeck.project.code.configured import Configured
from limbeck.project.code.errors import Raised, WorkerError

Answer: TypeAlias = dict[str, Any]
Asked: TypeAlias = Callable[[Answer], None]
"""Serves what the worker asks while it works; returns when it may go on."""

PROGRAM = Path(__file__).with_name("worker_start.py")
# Variables that would make another interpreter load the packages of this one.
FOREIGN = {"PYTHONHOME", "__PYVENV_LAUNCHER__"}


class Process:
    """A worker; it starts at once, ends with limbeck, and answers one request at a time."""

    def __init__(
        self,
        python: Path,
        root: Path,
        purpose: str,
        variables: Mapping[str, str],
        paths: tuple[str, ...] = (),
    ) -> None:
        self.python = python
        self._turn = RLock()  # a revision's questions are answered by requests of the same thread
        self.configured: Configured | None = None
        environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the project's own interpreter
                [str(python), str(PROGRAM), purpose],
                cwd=root,
                env={**variables, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        except OSError as error:
            raise ConfigurationError(f"{python} does not start: {error.strerror}") from error
        # Not `__del__`: at the end of a program its modules may be gone before it runs.
        finalize(self, _end, self._process)
        own = [str(folder) for folder in (root, root / "src") if folder.is_dir()]
        self._send({"paths": [*own, *paths]})

    def request(
        self,
        name: str,
        *,
        asked: Asked | None = None,
        meanwhile: Iterable[object] = (),
        **arguments: Any,
    ) -> Any:
        """Return the worker's answer.

        Args:
            name: the request, see `worker.Worker.handlers`.
            asked: serves the worker's own questions, which only a running revision has.
            meanwhile: is iterated until the worker says something: what will be needed later and
                can be done now, on the other processor.
            arguments: of the request.

        Raises:
            WorkerError: the project's code raised, or the worker has ended.

        """
        # Environments are read by several threads: the next answer is that of the last request.
        with self._turn:
            self._send({"do": name, **arguments})
            for _ in meanwhile:
                if self._has_answered():
                    break
            while True:
                message = self.receive()
                if "done" in message:
                    return message["done"]
                if "error" in message:
                    raise WorkerError.of(message["error"])
                if asked is None:
                    return message
                asked(message)

    def tell(self, name: str, **arguments: Any) -> None:
        """Send what the worker does not answer."""
        with self._turn:
            self._send({"do": name, **arguments})

    def go_on(
        self,
        *,
        failing: bool = False,
        finished: bool = True,
        reads: bool = False,
        server: Answer | None = None,
    ) -> None:
        """End a question of the worker's.

        Args:
            failing: raise an exception in the project's code.
            server: what the server reported, if limbeck sent the statement itself.
            finished: the statement in question is dealt with; the worker need not send it.
            reads: the worker may send questions about the catalog that follow, and tell of them.

        """
        answer = {"raise": failing, "finished": finished, "reads": reads, "server": server}
        self._send({"do": "go on", **answer})

    def receive(self) -> Answer:
        """Return the next message of the worker."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            code = self._process.wait()
            text = f"the project's interpreter {self.python} has ended (exit code {code})"
            raise WorkerError(Raised("ended", text=text))
        message: Answer = json.loads(line)
        return message

    def _has_answered(self) -> bool:
        """Return whether there is a message; before the first one of an answer is read."""
        output = self._process.stdout
        return output is None or bool(select([output], [], [], 0)[0])

    def kill(self) -> None:
        """End the worker, whatever it does."""
        self._process.kill()
        self._process.wait()

    def _send(self, message: Answer) -> None:
        if self._process.stdin is None:  # pragma: no cover - it is a pipe
            return
        with suppress(BrokenPipeError):  # it has ended; what it said last is the next message
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()


def _end(process: subprocess.Popen[str]) -> None:
    """End a worker that nobody asks any more; nothing is in progress."""
    process.kill()
    process.wait()
    if process.stdin is not None and process.stdout is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()


_STARTING: Final = Lock()
"""Held while a worker is looked for: two threads that need the same one must get the same one."""


def started(
    python: Path,
    root: Path,
    purpose: str,
    variables: tuple[tuple[str, str], ...],
    paths: tuple[str, ...] = (),
) -> Process:
    """Return the worker of a project for a purpose: "models" or "revisions".

    The models must not be changed by what revisions do with them, so each has a process.
    """
    with _STARTING:
        return _started(python, root, purpose, variables, paths)


# One run has a project or two; a program that has many does not keep their workers.
@lru_cache(maxsize=4)
def _started(
    python: Path,
    root: Path,
    purpose: str,
    variables: tuple[tuple[str, str], ...],
    paths: tuple[str, ...],
) -> Process:
    return Process(python, root, purpose, dict(variables), paths)


def end_all() -> None:
    """End all workers: the next question starts one that has imported nothing yet."""
    _started.cache_clear()
