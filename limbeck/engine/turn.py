"""A revision in a run, with its place among all that run; `runner` goes from one to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from limbeck.dataclass import dataclass
from limbeck.engine.progress import Progress
from limbeck.events import RevisionFinished, RevisionStarted
from limbeck.history.revisions import Revision


@dataclass(slots=True)
class Turn:
    """A revision in a run: its module, and its place among all."""

    revision: Revision
    module: Any
    number: int
    total: int
    downgrade: bool
    progress: Progress = field(init=False)
    is_used: bool = False
    is_announced: bool = False

    @property
    def action(self) -> str:
        """The name of its function."""
        return "downgrade" if self.downgrade else "upgrade"

    def load(self, load: Callable[[Revision], Any]) -> Any:
        """Return its module for an attempt: loaded anew for each one after the first.

        What a module has, such as an iterator over rows, is used up by the first attempt.
        """
        if self.is_used:
            self.module = load(self.revision)
        self.is_used = True
        return self.module

    def started(self) -> RevisionStarted:
        """Return the event before its first statement."""
        return RevisionStarted(*self._about, downgrade=self.downgrade)

    def finished(self, seconds: float) -> RevisionFinished:
        """Return the event after its commit."""
        return RevisionFinished(*self._about, seconds, downgrade=self.downgrade)

    @property
    def _about(self) -> tuple[str, str, int, int]:
        return (self.revision.id, self.revision.message, self.number, self.total)
