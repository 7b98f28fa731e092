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
    """One run of a command: seconds on the clock, and of processor time in it and its children."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Command:
    """A command to time: where it runs, and what its environment has on top of ours."""

    words: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    exits: Sequence[int] = (0,)

    def run(self) -> Timing:
        """Run once and return the timing.

        Raises:
            RuntimeError: the command ended with an exit code that is not one of `exits`.

        """
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
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
        return Timing(wall, cpu)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one comparison came to: medians, and the ratio ours / theirs pair by pair."""

    work: str
    peer: str
    ours: Timing
    theirs: Timing
    ratio: float
    aim: str

    def row(self) -> str:
        """Return a Markdown table row; seconds are wall (processor)."""
        return (
            f"| {self.work} | {self.ours.wall:.2f} ({self.ours.cpu:.2f}) "
            f"| {self.peer} {self.theirs.wall:.2f} ({self.theirs.cpu:.2f}) "
            f"| {self.ratio:.2f} | {self.aim} |"
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
            self.aim,
        )


def _median(timings: Sequence[Timing]) -> Timing:
    return Timing(
        statistics.median(t.wall for t in timings), statistics.median(t.cpu for t in timings)
    )
