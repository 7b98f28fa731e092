"""Everything that commands print: answers on stdout, the conversation on stderr.

No other module prints. Here passwords are masked, and control characters made visible, in texts
that may come from a database, a server's message or a file.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from limbeck import logs
from limbeck.cli import screen
from limbeck.cli.invocation import Invocation
from limbeck.errors import NotConfirmedError
from limbeck.visible import visible

if TYPE_CHECKING:
    from limbeck.cli.progress import Activity, Progress
    from limbeck.phased.backfill.planning import Plan as BackfillPlan
    from limbeck.run.plan import Plan


def answer(text: str, *, masked: bool = False, every: bool = False, end: str = "\n") -> None:
    """Print an answer on stdout; JSON and YAML are `masked` already.

    Args:
        text: The answer.
        masked: Whether there is nothing in it to mask.
        every: Whether --all was given, so that no line is left out.
        end: What follows it.

    """
    end_progress()
    if every:
        from limbeck.output.marks import whole

        text = whole(text)
    shown = visible(text) if masked else _shown(text, screen.out())
    click.echo(shown + end, nl=False, color=True)


def answer_exactly(text: str, *, end: str = "\n") -> None:
    """Print a script or a URL that another program will read, with the passwords in it.

    On a terminal its control characters are visible: there it is read by a person.
    """
    end_progress()
    click.echo((visible(text) if sys.stdout.isatty() else text) + end, nl=False)


def answer_script(script: str, *, end: str = "\n") -> None:
    """Print a script as it has to run, and report on stderr if it contains passwords."""
    from limbeck.masking.mask import masked

    if screen.out().draws:
        from limbeck.cli.drawing import drawn
        from limbeck.output.marks import Sql

        end_progress()
        click.echo(drawn(Sql(script), screen.out(), safe=visible) + (end or "\n"), nl=False)
    else:
        answer_exactly(script, end=end)
    if masked(script) != script:
        note("The script contains passwords in clear text.")


def say(text: str, *, label: str = "", colour: str = "", end: str = "\n") -> None:
    """Print a text on stderr, after a label in colour."""
    begin = f"{coloured(label, colour)} " if label else ""
    shown = begin + _shown(text, screen.err()) + end
    drawn = progress()
    with drawn.aside() if drawn else nullcontext():
        click.echo(shown, nl=False, err=True, color=True)


def _shown(text: str, on: screen.Screen) -> str:
    """Return a text for a stream; what is marked is drawn where the stream can show it."""
    if on.plain or type(text) is str:  # not one of output.marks
        return printable(text)
    from limbeck.cli.drawing import drawn

    return drawn(text, on, safe=printable)


def printable(text: str) -> str:
    """Return a text with passwords masked and control characters visible."""
    from limbeck.masking.mask import masked

    return visible(masked(text))


def coloured(text: str, colour: str) -> str:
    """Return a text in bold and in colour, if stderr shows colours."""
    return click.style(text, fg=colour, bold=True) if screen.err().colours else text


def progress() -> Progress | None:
    """Return what draws the progress of this command; None where nothing can be drawn."""
    context = click.get_current_context(silent=True)
    invocation = context.obj if context else None
    if not isinstance(invocation, Invocation):
        return _progress()
    invocation.progress = invocation.progress or _progress()
    return invocation.progress  # type: ignore[no-any-return]


def _progress() -> Progress | None:
    on = screen.err()
    if not on.draws:
        return None
    from limbeck.cli.progress import Progress

    def frame(activity: Activity) -> str:
        from limbeck.cli.live import line

        return line(activity, on)

    return Progress(lambda text: click.echo(text, nl=False, err=True, color=True), frame)


def end_progress(*, silently: bool = False) -> None:
    """Erase the progress line; one that was shown leaves a line with its duration."""
    drawn = progress()
    if drawn is not None:
        drawn.forget() if silently else drawn.end()


def redraw(lines: Sequence[str], *, bold: int | None, over: bool) -> None:
    """Draw lines on a terminal, one of them bold, over those that were drawn before."""
    end_progress()
    if over:
        click.echo(f"\x1b[{len(lines)}A", nl=False, err=True)
    # A line that wraps would take more rows than it is counted as.
    width = screen.err().width - 1
    for number, line in enumerate(lines):
        text = click.style(printable(line)[:width], bold=number == bold)
        click.echo(f"\x1b[2K{text}", err=True, color=True)


def quiet() -> bool:
    """Return whether stderr is reserved for the lines of --log-json."""
    context = click.get_current_context(silent=True)
    invocation = context.obj if context else None
    return isinstance(invocation, Invocation) and invocation.log_to_stderr


def note(text: str, *, every: bool = False) -> None:
    """Print a text on stderr and record it in the log; `every` is whether --all was given."""
    if every:
        from limbeck.output.marks import whole

        text = whole(text)
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
    end_progress()
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
