"""Which of the points of a run are crashed at: a part by seed, of one shard, not done before."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random

SEED, PART = "LIMBECK_CRASH_SEED", "LIMBECK_CRASH_PART"
SHARD, DONE = "LIMBECK_CRASH_SHARD", "LIMBECK_CRASH_DONE"


@dataclass(frozen=True)
class Selection:
    """A part of all points, chosen by a seed, and of all migrations those of one shard.

    `done` is the file of points that were reached and held; they are not crashed at again.
    """

    seed: str = ""
    part: float = 1.0
    shard: tuple[int, int] = (1, 1)
    done: Path | None = None

    @classmethod
    def of(cls, variables: Mapping[str, str] = os.environ) -> Selection:
        """Read the selection from variables of the environment."""
        number, _, shards = variables.get(SHARD, "1/1").partition("/")
        done = variables.get(DONE)
        return cls(
            variables.get(SEED, ""),
            float(variables.get(PART, "1")),
            (int(number), int(shards)),
            Path(done) if done else None,
        )

    def has(self, migration: int) -> bool:
        """Return whether a migration, by its number, is of this shard."""
        number, shards = self.shard
        return migration % shards == number - 1

    def chooses(self, *point: object) -> bool:
        """Return whether a point is crashed at: of every version of Python, the same ones."""
        chance = Random(f"{self.seed}\n{_line(point)}").random()  # noqa: S311 - it has to be repeatable
        return chance < self.part and not self.held(*point)

    def holds(self, *point: object) -> None:
        """Record a point that was reached and held, or a migration and the part of its points."""
        if self.done:
            self.done.parent.mkdir(parents=True, exist_ok=True)
            with self.done.open("a", encoding="utf-8") as file:  # one write, so several may append
                file.write(f"{_line(point)}\n")

    def held(self, *point: object) -> bool:
        """Return whether that is recorded."""
        return _line(point) in self._held

    @cached_property
    def _held(self) -> frozenset[str]:
        if self.done is None or not self.done.exists():
            return frozenset()
        return frozenset(self.done.read_text(encoding="utf-8").splitlines())


def _line(point: tuple[object, ...]) -> str:
    return "\t".join(map(str, point))
