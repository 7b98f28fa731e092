"""A run that fails: what it says is done and what is not, and who is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from limbeck.errors import HookError, LimbeckError, MigrationError, MigrationInterruptedError
from limbeck.events import Listener, Notice, RunFailed
from limbeck.run.plan import Plan
from limbeck.run.report import Applied


@contextmanager
def accounted(plan: Plan, done: Sequence[Applied]) -> Iterator[None]:
    """Say after a failure what is in the database, what is not, and how to go on."""
    try:
        yield
    except MigrationError as error:
        kind = HookError if isinstance(error, HookError) else MigrationError
        raise kind(f"{error.message}\n{_standing(plan, done)}", hint=error.hint) from error
    except KeyboardInterrupt as error:
        raise MigrationInterruptedError(
            f"interrupted; {_rolled_back(plan, done)}\n{_standing(plan, done)}",
            hint="To go on, run the same command again.",
        ) from error


def _rolled_back(plan: Plan, done: Sequence[Applied]) -> str:
    running = plan.revisions[len(done) : len(done) + 1]
    if not running:
        return "every revision had been done"
    if any("autocommit_block" in one.path.read_text(encoding="utf-8") for one in running):
        return "the step that ran was rolled back; those before it are done"
    return "the revision that ran was rolled back"


def _standing(plan: Plan, done: Sequence[Applied]) -> str:
    verb = "taken back" if plan.downgrade else "applied"
    left = plan.revisions[len(done) :]
    have = ", ".join(f"{one.id} ({one.message})" for one in done) or "nothing"
    rest = ", ".join(f"{one.id} ({one.message})" for one in left) or "nothing"
    return f"{plan.environment}: {verb}: {have}; not {verb}: {rest}"


@contextmanager
def reported(plan: Plan, listen: Listener) -> Iterator[None]:
    """Tell of a failure, and call the hook for it; should that fail as well, the first counts."""
    try:
        yield
    except Exception as error:
        hint = error.hint if isinstance(error, LimbeckError) else None
        kind = type(error).__name__
        listen(RunFailed(plan.environment, plan.destination, kind, str(error), hint))
        try:
            plan.hooks.call("on_failure", plan, error)
        except LimbeckError as another:
            listen(Notice(another.message))
        raise
