"""Everything that commands print: answers on stdout, the conversation on stderr.

No other module prints. Here passwords are masked, and control characters made visible, in texts
that may come from a database, a server's message or a file.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from limbeck import logs
from limbeck.cli.invocation import Invocation
from limbeck.errors import NotConfirmedError
from limbeck.events import (
    BackfillProgress,
    BackfillThrottled,
    BatchNotObtained,
    Event,
    IndexProgress,
    RevisionFinished,
    RevisionStarted,
    RunFailed,
    RunFinished,
    RunStarted,
    StageProgress,
    StageStarted,
)
from limbeck.visible import visible

if TYPE_CHECKING:
    from limbeck.phased.backfill.planning import Plan as BackfillPlan
    from limbeck.run.plan import Plan


def answer(text: str, *, masked: bool = False, end: str = "\n") -> None:
    """Print an answer on stdout; JSON and YAML are `masked` already."""
    click.echo(visible(text if masked else printable(text)) + end, nl=False)


def answer_exactly(text: str, *, end: str = "\n") -> None:
    """Print a script or a URL that another program will read, with the passwords in it.

    On a terminal its control characters are visible: there it is read by a person.
    """
    click.echo((visible(text) if sys.stdout.isatty() else text) + end, nl=False)


def answer_script(script: str, *, end: str = "\n") -> None:
    """Print a script as it has to run, and report on stderr if it contains passwords."""
    from limbeck.masking.mask import masked

    answer_exactly(script, end=end)
    if masked(script) != script:
        note("The script contains passwords in clear text.")


def say(text: str, *, label: str = "", colour: str = "", end: str = "\n") -> None:
    """Print a text on stderr, after a label in colour."""
    begin = f"{coloured(label, colour)} " if label else ""
    click.echo(begin + printable(text) + end, nl=False, err=True)


def printable(text: str) -> str:
    """Return a text with passwords masked and control characters visible."""
    from limbeck.masking.mask import masked

    return visible(masked(text))


def coloured(text: str, colour: str, *, err: bool = True) -> str:
    """Return a text in colour if stderr (or stdout) is a terminal and NO_COLOR is not set."""
    stream = sys.stderr if err else sys.stdout
    if os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    return click.style(text, fg=colour)


def clear_line() -> None:
    """Erase a progress bar that was left in the middle."""
    if sys.stderr.isatty():
        click.echo("\r\x1b[2K", nl=False, err=True, color=True)


def redraw(lines: Sequence[str], *, bold: int | None, over: bool) -> None:
    """Draw lines on a terminal, one of them bold, over those that were drawn before."""
    import shutil

    if over:
        click.echo(f"\x1b[{len(lines)}A", nl=False, err=True)
    # A line that wraps would take more rows than it is counted as.
    width = shutil.get_terminal_size().columns - 1
    for number, line in enumerate(lines):
        text = click.style(printable(line)[:width], bold=number == bold)
        click.echo(f"\x1b[2K{text}", err=True, color=True)


def quiet() -> bool:
    """Return whether stderr is reserved for the lines of --log-json."""
    context = click.get_current_context(silent=True)
    invocation = context.obj if context else None
    return isinstance(invocation, Invocation) and invocation.log_to_stderr


def note(text: str) -> None:
    """Print a text on stderr and record it in the log."""
    logs.record(logging.INFO, "notice", text, {"text": text})
    if not quiet():
        say(text)


def interactive() -> bool:
    """Return whether stdin is a terminal, so that a question can be answered."""
    return sys.stdin.isatty()


def ask(question: str) -> str:
    """Ask on stderr and return the answer, stripped.

    Raises:
        NotConfirmedError: the input ended before an answer.
        KeyboardInterrupt: Ctrl-C; its text says that nothing was changed.

    """
    say(question, end="")
    try:
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        say("")
        raise KeyboardInterrupt("nothing was changed") from None
    if not line:
        say("")
        raise NotConfirmedError("there was no answer; nothing was changed")
    return line.strip()


def agreed(question: str) -> bool:
    """Ask a yes-or-no question; the default is no."""
    return ask(f"{question} [y/N] ").lower() in {"y", "yes"}


def confirm(question: str, *, yes: bool) -> None:
    """Ask a yes-or-no question unless --yes was given.

    Raises:
        NotConfirmedError: the answer is no, or there is no terminal.

    """
    if yes:
        return
    if not interactive():
        raise NotConfirmedError(
            "there is no terminal to ask on; nothing was changed",
            hint="Add --yes if the plan above is intended.",
        )
    if not agreed(question):
        raise NotConfirmedError("not confirmed; nothing was changed")


def confirm_plan(plan: Plan | BackfillPlan, *, yes: bool) -> bool:
    """Ask the user to type the name of a protected environment before a plan is applied.

    Raises:
        NotConfirmedError: there is no terminal.

    """
    if yes or not plan.protected:
        return True
    if not interactive():
        raise NotConfirmedError(
            f"{plan.environment} is protected and there is no terminal to ask on; nothing was done",
            hint="Add --yes if the plan above is intended.",
        )
    return ask(f"Type {plan.environment} to continue: ") == plan.environment


class Narrator:
    """A listener that prints events on stderr; on a terminal, revisions move a progress bar."""

    def __init__(self) -> None:
        self.bar = sys.stderr.isatty() and not quiet()

    def __call__(self, event: Event) -> None:
        """Print one event and record it in the log."""
        logs.log(event)
        if quiet():
            return
        match event:
            case RevisionStarted() if self.bar:
                self._draw(event.number - 1, event.total, event.revision)
            case RevisionFinished() if self.bar:
                clear_line()
                say(logs.sentence(event))
            case IndexProgress():
                clear_line()
                click.echo(f"\r{printable(logs.sentence(event))}", nl=False, err=True)
            case BackfillProgress():
                if self.bar:
                    self._draw(event.done, event.total, logs.pace(event))
            case BatchNotObtained() | BackfillThrottled() if self.bar:
                clear_line()
                say(logs.sentence(event))
            case StageStarted() | StageProgress():
                self._show(event)
            case RevisionStarted() | RunStarted() | RunFinished() | RunFailed():
                pass  # the command itself prints the start and the end of a run
            case _:
                say(logs.sentence(event))

    def _show(self, event: StageStarted | StageProgress) -> None:
        """Print a stage; on a terminal, move its bar, or its number where nobody knows the last."""
        if not self.bar:
            if isinstance(event, StageStarted):
                say(logs.sentence(event))
            return
        clear_line()
        if isinstance(event, StageStarted):
            click.echo(coloured(printable(logs.sentence(event)), "bright_black"), err=True)
        elif event.total and not event.ended:
            self._draw(event.done, event.total, f"{event.unit}s")
        elif not event.ended:
            click.echo(f"\r{printable(logs.how_far(event))}", nl=False, err=True)

    def _draw(self, done: int, total: int, label: str) -> None:
        width = 24
        filled = width * done // max(total, 1)
        bar = "#" * filled + "-" * (width - filled)
        clear_line()
        click.echo(f"\r[{bar}] {done}/{total} {printable(label)}", nl=False, err=True)
