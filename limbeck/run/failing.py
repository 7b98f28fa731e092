"""A failed run: the state that it left, and who is notified."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from limbeck.engine import version_table
from limbeck.engine.version_table import USUAL, VersionTable
from limbeck.errors import HookError, LimbeckError, MigrationError, MigrationInterruptedError
from limbeck.events import Listener, Notice, RunFailed
from limbeck.plurals import listed
from limbeck.postgres.connect import connect
from limbeck.run.plan import Plan
from limbeck.run.report import Applied

_COMMITS: Final = re.compile(r"(?i)autocommit_block|\bcommit\b")
"""What a revision needs to have more steps than one."""


@contextmanager
def accounted(plan: Plan, applied: list[Applied], table: VersionTable = USUAL) -> Iterator[None]:
    """Add to an error which revisions are in the database, which are not, and how to continue.

    Args:
        plan: The plan that runs in the block.
        applied: The revisions that have run so far; the block appends to it.
        table: The version table.

    """
    try:
        yield
    except MigrationError as error:
        kind = HookError if isinstance(error, HookError) else MigrationError
        raise kind(f"{error.message}\n{_state(plan, applied)}", hint=error.hint) from error
    except KeyboardInterrupt as error:
        _note_committed(plan, applied, table)
        raise MigrationInterruptedError(
            f"interrupted; {_rolled_back(plan, applied)}\n{_state(plan, applied)}",
            hint="To continue, run the same command again.",
        ) from error


def _note_committed(plan: Plan, applied: list[Applied], table: VersionTable) -> None:
    """Add the revisions whose COMMIT had run before Ctrl-C, although nobody has read its answer."""
    try:
        with connect(plan.database, read_only=True) as connection:
            recorded = version_table.recorded(connection, table)
    except LimbeckError:  # then what was heard of counts
        return
    known = {revision.id for revision in plan.history.revisions()}
    there = {each.id for each in plan.history.applied([i for i in recorded if i in known])}
    for revision in plan.revisions[len(applied) :]:
        if revision.late or revision.reversal or (revision.id in there) is plan.downgrade:
            break
        applied.append(Applied(revision.id, revision.message, 0.0))


def _rolled_back(plan: Plan, applied: Sequence[Applied]) -> str:
    running = plan.revisions[len(applied) : len(applied) + 1]
    if not running:
        return "every revision was finished"
    if any(_COMMITS.search(each.path.read_text(encoding="utf-8")) for each in running):
        return "the running step was rolled back; the steps before it are committed"
    return "the running revision was rolled back"


def _state(plan: Plan, applied: Sequence[Applied]) -> str:
    verb = "downgraded" if plan.downgrade else "applied"
    left = plan.revisions[len(applied) :]
    done, rest = (
        listed([f"{each.id} ({each.message})" for each in revisions]) or "nothing"
        for revisions in (applied, left)
    )
    return f"{plan.environment}: {verb}: {done}; not {verb}: {rest}"


@contextmanager
def reported(plan: Plan, listen: Listener) -> Iterator[None]:
    """Report a failure to the listener and the hook `on_failure`; the first error is raised."""
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
