"""Time one command: seconds, processor time of it and of the server's sessions, peak memory."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")
EVERY = 0.01  # seconds between two looks at the memory


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a command; `error` says why it has no figures.

    `server` is the processor time of the server's sessions, `peak` is in megabytes.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    server: float = 0.0
    peak: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A command to time; `env` is added to this process's environment, `exits` are its good exits.

    `postmaster` is the process of a server on this machine whose sessions are measured, too.
    `reader` is the URL of a database whose table t0 is read meanwhile: then the seconds are those
    that the reader has waited for longest.
    """

    words: Sequence[str | Path]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    exits: Sequence[int] = (0,)
    postmaster: int | None = None
    reader: str = ""

    def run(self, timeout: float) -> Sample:
        """Run once; after `timeout` seconds the command and its children are killed."""
        if not self.reader:
            return self._run(timeout)
        with reading(self.reader) as waits:
            sample = self._run(timeout)
        return sample if sample.error else replace(sample, seconds=waits[-1])

    def _run(self, timeout: float) -> Sample:
        before = _sessions(self.postmaster)
        with tempfile.TemporaryFile() as output:
            began = time.perf_counter()
            try:
                process = subprocess.Popen(
                    [str(word) for word in self.words],
                    cwd=self.cwd,
                    env={**os.environ, **self.env},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # a group of its own, which a timeout kills as a whole
                )
            except OSError as error:
                return Sample(error=str(error))
            with _killed_after(process.pid, timeout) as late, _watched(process.pid) as memory:
                try:
                    _, status, usage = os.wait4(process.pid, 0)
                except BaseException:  # the run is stopped
                    os.killpg(process.pid, signal.SIGKILL)
                    raise
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if late.is_set():
                return Sample(error=f"stopped after {timeout:.0f} s")
            if process.returncode not in self.exits:
                output.seek(0)
                return Sample(error=f"exit {process.returncode}: {_last_line(output.read())}")
        if self.postmaster is not None:
            time.sleep(0.1)  # the last session ends a moment after its client
        return Sample(
            seconds,
            usage.ru_utime + usage.ru_stime,
            _sessions(self.postmaster) - before,
            # What wait4 tells is no less than the memory of this process, which it was forked from.
            max(memory or [usage.ru_maxrss * 1024]) / 1e6,
        )

    def succeed(self, timeout: float = 600) -> None:
        """Run once, as a part of the set-up.

        Raises:
            RuntimeError: the command failed or took too long.

        """
        if error := self.run(timeout).error:
            raise RuntimeError(f"{' '.join(map(str, self.words))[:100]}: {error}")


@contextlib.contextmanager
def reading(url: str) -> Iterator[list[float]]:
    """Yield a list that gets the longest wait of a process that reads a table meanwhile."""
    waits: list[float] = []
    words = [sys.executable, str(Path(__file__).with_name("reader.py")), url]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            if process.stdout is None or process.stdout.readline() != "reading\n":
                raise RuntimeError("the reader has not started")
            yield waits
        finally:
            answer, _ = process.communicate(timeout=60)
        waits.append(float(answer))


@contextlib.contextmanager
def _killed_after(pid: int, timeout: float) -> Iterator[threading.Event]:
    late = threading.Event()

    def kill() -> None:
        late.set()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)

    timer = threading.Timer(timeout, kill)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Yield a list that gets the memory of a process and its descendants, in bytes."""
    memory: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(EVERY):
            memory[:] = [max([_memory(pid), *memory])]

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        ended.set()
        thread.join()


def _memory(pid: int, above: str = "") -> int:
    """Return the memory of a process and its descendants; `above` is that of its parent.

    Until a new child runs a program of its own, its memory is its parent's (vfork(2)).
    """
    try:
        memory = Path(f"/proc/{pid}/statm").read_text()
        own = 0 if memory == above else int(memory.split()[1]) * PAGE
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return own + sum(_memory(int(child), memory) for child in children)


def _sessions(postmaster: int | None) -> float:
    """Return the processor seconds of the sessions that a server has had, by Linux' proc(5)."""
    if postmaster is None:
        return 0.0
    words = Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()
    return (int(words[13]) + int(words[14])) / TICK  # cutime and cstime: sessions that have ended


def _last_line(output: bytes) -> str:
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    return " ".join((lines or ["(nothing printed)"])[-1].split())[:160]
