"""The conversation on stderr: events as lines or a progress bar, colours, questions."""

from __future__ import annotations

import logging
import os
import sys
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
    StageStarted,
)

if TYPE_CHECKING:
    from limbeck.phased.backfill.planning import Plan as BackfillPlan
    from limbeck.run.plan import Plan


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


def quiet() -> bool:
    """Return whether stderr is reserved for the lines of --log-json."""
    context = click.get_current_context(silent=True)
    invocation = context.obj if context else None
    return isinstance(invocation, Invocation) and invocation.log_to_stderr


def note(text: str) -> None:
    """Print a text on stderr and record it in the log."""
    logs.record(logging.INFO, "notice", text, {"text": text})
    if not quiet():
        _say(text)


def _say(text: str) -> None:
    click.echo(text, err=True)


def interactive() -> bool:
    """Return whether stdin is a terminal, so that a question can be answered."""
    return sys.stdin.isatty()


def ask(question: str) -> str:
    """Ask on stderr and return the answer, stripped.

    Raises:
        NotConfirmedError: the input ended before an answer.
        KeyboardInterrupt: Ctrl-C; its text says that nothing was changed.

    """
    click.echo(question, nl=False, err=True)
    try:
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        _say("")
        raise KeyboardInterrupt("nothing was changed") from None
    if not line:
        _say("")
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
                _say(logs.sentence(event))
            case IndexProgress():
                clear_line()
                click.echo(f"\r{logs.sentence(event)}", nl=False, err=True)
            case BackfillProgress():
                if self.bar:
                    self._draw(event.done, event.total, logs.pace(event))
            case BatchNotObtained() | BackfillThrottled() if self.bar:
                clear_line()
                _say(logs.sentence(event))
            case StageStarted() if self.bar:
                clear_line()
                _say(coloured(logs.sentence(event), "bright_black"))
            case RevisionStarted() | RunStarted() | RunFinished() | RunFailed():
                pass  # the command itself prints the start and the end of a run
            case _:
                _say(logs.sentence(event))

    def _draw(self, done: int, total: int, label: str) -> None:
        width = 24
        filled = width * done // max(total, 1)
        bar = "#" * filled + "-" * (width - filled)
        clear_line()
        click.echo(f"\r[{bar}] {done}/{total} {label}", nl=False, err=True)
