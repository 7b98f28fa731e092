"""One frame of the progress line, drawn by Rich; only `progress` imports it, for a long stage."""

from __future__ import annotations

import io
import sys
import time
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.style import Style
from rich.text import Text

from limbeck.cli.drawing import style
from limbeck.cli.progress import Activity
from limbeck.cli.screen import Screen

BAR: Final = 24


def line(activity: Activity, screen: Screen) -> str:
    """Return what a command is busy with, for a line that is drawn over and over.

    Such as "⠼ proving the revision on the shadow ━━━━━━━━━━━━ 12 of 30 statements, 4 s".
    """
    seconds = time.monotonic() - activity.since
    end = f" {', '.join(filter(None, (activity.detail, f'{seconds:.0f} s')))}"
    bar = BAR if activity.total and screen.width >= 4 * BAR else BAR // 2 * bool(activity.total)
    width = max(screen.width - 1, 1)  # a full line would move the cursor to the next one
    name = Text(f"{activity.text} ")
    if width - 2 - bar - cell_len(end) < min(name.cell_len, BAR // 2):
        bar = 0  # the words say the same
    name.truncate(max(width - 2 - bar - cell_len(end), 1), overflow="ellipsis")
    console = _console(screen, width)
    with console.capture() as capture:
        console.print(_spinner(seconds, screen), name, sep=" ", end="")
        if bar:
            console.print(_bar(activity, bar, screen), end="")
        console.print(Text(end), end="", soft_wrap=True)
    return capture.get().replace("\n", "")


def _console(screen: Screen, width: int) -> Console:
    return Console(
        file=io.TextIOWrapper(io.BytesIO(), encoding=_encoding()),
        force_terminal=True,
        color_system={0: None, 16: "standard", 256: "256"}[screen.colours],
        no_color=False,
        width=width,
        legacy_windows=False,
        highlight=False,
    )


def _encoding() -> str:
    return getattr(sys.stderr, "encoding", None) or "ascii"


def _spinner(seconds: float, screen: Screen) -> Text:
    name = "dots" if _encoding().lower().startswith("utf") else "line"
    spinner = Spinner(name)
    frame = spinner.frames[int(1000 * seconds / spinner.interval) % len(spinner.frames)]
    return Text(frame, style("info", screen.colours))


def _bar(activity: Activity, width: int, screen: Screen) -> ProgressBar:
    good = Style.parse(style("good", screen.colours))
    return ProgressBar(
        total=activity.total,
        completed=min(activity.done, activity.total),
        width=width,
        complete_style=good,
        finished_style=good,
        style=Style.null(),
    )
