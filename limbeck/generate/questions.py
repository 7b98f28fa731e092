"""What has to be answered before a revision is written: renames, and losses of data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from limbeck.diff.steps import Step
from limbeck.errors import NotConfirmedError


@dataclass(frozen=True, slots=True)
class Answers:
    """What to do about the questions that a change may raise.

    `allow_drop` agrees that data may be lost; without it `ask_loss` is asked, with what is lost
    in words.
    """

    allow_drop: bool = False
    ask_loss: Callable[[Sequence[str]], bool] | None = None


def agree_to_losses(steps: Sequence[Step], answers: Answers) -> None:
    """Ask about what an upgrade loses.

    Raises:
        NotConfirmedError: the answer was no, or nobody could be asked.

    """
    losses = list(dict.fromkeys(step.loses for step in steps if step.loses))
    if not losses or answers.allow_drop:
        return
    if answers.ask_loss is not None:
        if answers.ask_loss(losses):
            return
        raise NotConfirmedError("nothing was written")
    lines = "".join(f"\n  {loss}" for loss in losses)
    raise NotConfirmedError(
        f"this change loses data; nothing was written:{lines}",
        hint="Agree with --allow-drop.",
    )
