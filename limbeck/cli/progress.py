"""The last line of a terminal: what a command is busy with, how far it is, and for how long.

A thread draws it, because a command that waits for a server, a lock or a download has no moment to
do so. It draws after a second; so a short command draws nothing, and imports no Rich.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

LONG: Final = 1.0
"""Seconds after which an activity is shown: a shorter one ends before anybody reads it."""
FRAME: Final = 0.1
ERASE: Final = "\r\x1b[2K"


class Activity(NamedTuple):
    """What a command is busy with since a moment of time.monotonic(), and how far it is."""

    text: str
    since: float
    done: int = 0
    total: int = 0
    detail: str = ""


class Progress:
    """Draws the activity of a command, and erases it before anything else is printed."""

    def __init__(self, write: Callable[[str], None], frame: Callable[[Activity], str]) -> None:
        self._write = write
        self._frame = frame
        self._activity: Activity | None = None
        self._drawn = False
        self._shown = False  # also while something else is printed
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def begin(self, text: str, done: int = 0, total: int = 0, detail: str = "") -> None:
        """Begin an activity; the one before it is over."""
        with self._lock:
            self.end()
            self._activity = Activity(text, time.monotonic(), done, total, detail)
            if self._thread is None:
                self._thread = threading.Thread(target=self._draw, daemon=True)
                self._thread.start()

    def move(self, text: str, done: int, total: int, detail: str) -> None:
        """Say how far an activity is; begin it if it is another one."""
        with self._lock:
            if self._activity is None or self._activity.text != text:
                self.begin(text)
            if self._activity:
                self._activity = self._activity._replace(done=done, total=total, detail=detail)

    def end(self) -> None:
        """End the activity; if it was shown, it leaves a line with its duration."""
        with self._lock:
            activity, shown = self._activity, self._shown
            self.forget()
            if activity and shown:
                self._write(f"{activity.text} ({time.monotonic() - activity.since:.1f} s)\n")

    def forget(self) -> None:
        """End the activity without a trace."""
        with self._lock:
            self._activity, self._shown = None, False
            self._erase()

    def close(self) -> None:
        """End the activity for good."""
        self.end()
        self._closed.set()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Erase the line for what is printed inside the block; it is drawn again below that."""
        with self._lock:
            self._erase()
            yield

    def _erase(self) -> None:
        if self._drawn:
            self._write(ERASE)
            self._drawn = False

    def _draw(self) -> None:
        while not self._closed.wait(FRAME):
            with self._lock:
                activity = self._activity
                if activity and time.monotonic() - activity.since >= LONG:
                    self._write(ERASE + self._frame(activity))
                    self._drawn = self._shown = True
