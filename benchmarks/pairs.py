"""Time two commands in turn, A B A B ..., and compare them pair by pair."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Timing:
    """One run of a command: seconds on the clock, and of processor time in it and its children.

    `server` is the processor time of the sessions of a server, where it is measured.
    """

    wall: float
    cpu: float
    server: float = 0.0

    def __str__(self) -> str:
        """Return the wall seconds, and in parentheses those of processor time."""
        server = f" + {self.server:.2f}" if self.server else ""
        return f"{self.wall:.2f} ({self.cpu:.2f}{server})"


@dataclass(frozen=True, slots=True)
class Command:
    """A command to time: where it runs, and what its environment has on top of ours.

    `postmaster` is the process of a server on this machine whose work is measured, too.
    """

    words: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    exits: Sequence[int] = (0,)
    postmaster: int | None = None

    def run(self) -> Timing:
        """Run once and return the timing.

        Raises:
            RuntimeError: the command ended with an exit code that is not one of `exits`.

        """
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        worked = _sessions(self.postmaster)
        start = time.perf_counter()
        done = subprocess.run(
            self.words,
            cwd=self.cwd,
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode not in self.exits:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-5:])
            raise RuntimeError(f"{' '.join(self.words)}: exit {done.returncode}\n{tail}")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Timing(wall, cpu, _sessions(self.postmaster) - worked)


def _sessions(postmaster: int | None) -> float:
    """Return the processor seconds of the sessions that a server has had, by Linux' proc(5)."""
    if postmaster is None:
        return 0.0
    time.sleep(0.3)  # the last session ends a moment after its client
    words = Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()
    ticks = int(words[13]) + int(words[14])  # cutime and cstime: children that were waited for
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one comparison came to: medians, and the ratio ours / theirs pair by pair.

    `work_ratio` is that of processor time, clients' and server's together.
    """

    work: str
    peer: str
    ours: Timing
    theirs: Timing
    ratio: float
    work_ratio: float
    aim: str

    def row(self) -> str:
        """Return a Markdown table row; seconds are wall (processor), and so are the ratios."""
        return (
            f"| {self.work} | {self.ours} | {self.peer} {self.theirs} "
            f"| {self.ratio:.2f} ({self.work_ratio:.2f}) | {self.aim} |"
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """Our command and a peer's that does the same work; `aim` says what we want the ratio to be."""

    work: str
    ours: Command
    peer: str
    theirs: Command
    aim: str

    def compare(self, runs: int = 5) -> Comparison:
        """Run both commands `runs` times in turn, after one warm-up of each."""
        self.ours.run()
        self.theirs.run()
        timings = [(self.ours.run(), self.theirs.run()) for _ in range(runs)]
        return Comparison(
            self.work,
            self.peer,
            _median([a for a, _ in timings]),
            _median([b for _, b in timings]),
            statistics.median(a.wall / b.wall for a, b in timings),
            statistics.median((a.cpu + a.server) / (b.cpu + b.server) for a, b in timings),
            self.aim,
        )


def _median(timings: Sequence[Timing]) -> Timing:
    return Timing(
        statistics.median(t.wall for t in timings),
        statistics.median(t.cpu for t in timings),
        statistics.median(t.server for t in timings),
    )
