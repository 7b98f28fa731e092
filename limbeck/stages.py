"""Tell how far a stage of a command is, once it takes long; every room's loops may use it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from limbeck.dataclass import dataclass
from limbeck.events import Listener, StageProgress, StageStarted

Item = TypeVar("Item")
LONG: Final = 2.0
"""Seconds after which a stage tells how far it is: a shorter one ends before anybody reads it."""
PAUSE: Final = 0.2
"""Seconds between two events of a stage."""


@dataclass(slots=True)
class Stage:
    """A stage that counts units, such as revisions; `total` is 0 if nobody knows how many."""

    text: str
    unit: str
    total: int
    listen: Listener
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    _next: float = 0.0
    _told: bool = False

    def __post_init__(self) -> None:
        """Begin to wait."""
        self._next = self.clock() + LONG

    def advance(self, count: int = 1) -> None:
        """Count units that are done."""
        self.done += count
        if (now := self.clock()) >= self._next:
            self._next, self._told = now + PAUSE, True
            self.listen(StageProgress(self.text, self.done, self.total, self.unit))

    def end(self) -> None:
        """Tell that the stage is over, if it has told how far it is."""
        if self._told:
            self._told = False
            self.listen(StageProgress(self.text, self.done, self.total, self.unit, ended=True))


@contextmanager
def staged(
    listen: Listener, text: str, unit: str, total: int = 0, *, silent: bool = False
) -> Iterator[Stage]:
    """Announce a stage, and yield what counts its units inside of the block.

    Args:
        listen: Receives the events.
        text: The stage in a few words.
        unit: What is counted, such as "revision".
        total: How many there are, 0 if nobody knows.
        silent: Whether somebody else announces the stage.

    """
    if not silent:
        listen(StageStarted(text))
    stage = Stage(text, unit, total, listen)
    try:
        yield stage
    finally:
        stage.end()


@contextmanager
def waiting(listen: Listener, text: str) -> Iterator[None]:
    """Tell what is going on inside of the block, which counts nothing: a start, a copy, a lock."""
    listen(StageProgress(text, 0, 0, ""))
    try:
        yield
    finally:
        listen(StageProgress(text, 0, 0, "", ended=True))


def counting(stage: Stage, items: Iterable[Item]) -> Iterator[Item]:
    """Yield items, and count each when the next one is asked for."""
    for item in items:
        yield item
        stage.advance()
