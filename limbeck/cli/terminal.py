"""The talk on stderr: events as lines or a progress bar, colours, questions."""

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
    """Colour a text for stderr (or stdout) when that is a terminal and NO_COLOR is not set."""
    stream = sys.stderr if err else sys.stdout
    if os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    return click.style(text, fg=colour)


def clear_line() -> None:
    """Take away a progress bar that was left in the middle."""
    if sys.stderr.isatty():
        click.echo("\r\x1b[2K", nl=False, err=True, color=True)


def quiet() -> bool:
    """Whether stderr is for the lines of --log-json."""
    context = click.get_current_context(silent=True)
    found = context.obj if context else None
    return isinstance(found, Invocation) and found.log_to_stderr


def note(text: str) -> None:
    """Say something on stderr, to the log too."""
    logs.record(logging.INFO, "notice", text, {"text": text})
    if not quiet():
        _say(text)


def _say(text: str) -> None:
    click.echo(text, err=True)


def interactive() -> bool:
    """Whether somebody can answer a question."""
    return sys.stdin.isatty()


def ask(question: str) -> str:
    """Ask on stderr and return the answer, stripped.

    Raises:
        NotConfirmedError: the input ended before an answer.
        KeyboardInterrupt: with a text that says that nothing was changed.

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
    """Ask a question of yes or no; no is the default."""
    return ask(f"{question} [y/N] ").lower() in {"y", "yes"}


def confirm(question: str, *, yes: bool) -> None:
    """Ask a question of yes or no, if --yes has not answered it already.

    Raises:
        NotConfirmedError: the answer is no, or nobody is there to give one.

    """
    if yes:
        return
    if not interactive():
        raise NotConfirmedError(
            "there is no terminal to ask on; nothing was changed",
            hint="Add --yes when the plan above is what you want.",
        )
    if not agreed(question):
        raise NotConfirmedError("not confirmed; nothing was changed")


def confirm_plan(plan: Plan | BackfillPlan, *, yes: bool) -> bool:
    """Ask for the name of a protected environment before a plan is carried out.

    Raises:
        NotConfirmedError: there is nobody to ask.

    """
    if yes or not plan.protected:
        return True
    if not interactive():
        raise NotConfirmedError(
            f"{plan.environment} is protected and there is no terminal to ask on; nothing was done",
            hint="Add --yes when the plan above is what you want.",
        )
    return ask(f"Type {plan.environment} to go on: ") == plan.environment


class Narrator:
    """A listener that tells events on stderr; on a terminal revisions move a progress bar."""

    def __init__(self) -> None:
        self.bar = sys.stderr.isatty() and not quiet()

    def __call__(self, event: Event) -> None:
        """Tell one event, to the log too."""
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
                pass  # what is said before and after a run is the command's own
            case _:
                _say(logs.sentence(event))

    def _draw(self, done: int, total: int, label: str) -> None:
        width = 24
        filled = width * done // max(total, 1)
        bar = "#" * filled + "-" * (width - filled)
        clear_line()
        click.echo(f"\r[{bar}] {done}/{total} {label}", nl=False, err=True)
