"""The events of a command on stderr: as lines, and on a terminal as the progress line, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck import logs
from limbeck.cli.terminal import progress, quiet, say
from limbeck.events import (
    BackfillProgress,
    Event,
    IndexProgress,
    LockWaiting,
    RevisionFinished,
    RevisionStarted,
    RunFailed,
    RunFinished,
    RunStarted,
    StageProgress,
    StageStarted,
)

if TYPE_CHECKING:
    from limbeck.cli.progress import Progress


class Narrator:
    """A listener that prints events on stderr; on a terminal, long stages show how far they are."""

    def __init__(self) -> None:
        self.progress = None if quiet() else progress()
        self.bar = self.progress is not None
        self._revision = ("", "")  # its id, and what is said while it runs

    def __call__(self, event: Event) -> None:
        """Print one event and record it in the log."""
        logs.log(event)
        if quiet():
            return
        match event:
            case BackfillProgress() | IndexProgress() | StageProgress():
                pass  # a pipe would be full of them
            case RevisionStarted() | StageStarted() if self.bar:
                pass  # they are drawn
            case RevisionStarted() | RunStarted() | RunFinished() | RunFailed():
                pass  # the command itself prints the start and the end of a run
            case _:
                say(logs.sentence(event))
        if self.progress:
            self._draw(event, self.progress)

    def _draw(self, event: Event, progress: Progress) -> None:
        """Begin, move or end the progress line."""
        match event:
            case StageStarted(text):
                progress.begin(text)
            case LockWaiting(holder):
                progress.begin(f"waiting for the migration lock, held by {holder}")
            case RevisionStarted(id_, message, number, total):
                verb = "reverting" if event.downgrade else "applying"
                self._revision = (id_, f"{verb} {id_} {message}".rstrip())
                progress.begin(self._revision[1], number - 1, total * (total > 1))
            case RevisionFinished():
                progress.forget()
            case StageProgress(ended=True) | RunFailed() | RunFinished():
                progress.end()
            case StageProgress(text, done, total):
                id_, running = self._revision
                text = running if text == id_ else text
                progress.move(text, done, total, logs.how_far(event))
            case BackfillProgress(table, done, total):
                progress.move(f"filling {table}", done, total, logs.how_many(event))
            case IndexProgress():
                progress.move(f"building {event.index}", event.done, event.total, event.phase)
