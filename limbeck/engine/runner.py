"""The runner of one run: its revisions in order, their version rows, retries and events.

`opening.opened` makes one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import psycopg

from limbeck.engine import adopting, ledger, pushes
from limbeck.engine.batch import Statement, StatementError, VersionConflictError
from limbeck.engine.ledger import Ledger
from limbeck.engine.progress import Progress, StoppedError
from limbeck.engine.session import Session, lock_timeout
from limbeck.engine.state import State
from limbeck.engine.step_runner import StepRunner
from limbeck.engine.turn import Turn
from limbeck.engine.version_rows import Chain, VersionRows
from limbeck.errors import MigrationError
from limbeck.events import Notice, RevisionResumed
from limbeck.history import plainness
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.stages import staged

if TYPE_CHECKING:
    from limbeck.engine.caller import Caller


_MOST: Final = 32
"""How many revisions are sent before their results are read. If one fails, the rest is wasted."""


class Runner:
    """Runs revisions on one session; knows the version rows and the ledger as they change."""

    def __init__(
        self,
        session: Session,
        steps: StepRunner,
        history: History,
        state: State,
        caller: Caller,
    ) -> None:
        self.session = session
        self.steps = steps
        self.history = history
        self.caller = caller
        self.table = state.table
        self.chain = Chain.of(history)
        self.ledger = state.ledger if session.terms.ledger else Ledger(tenant=state.ledger.tenant)
        self.heads = set(state.recorded)
        if (project := self.history.project) is not None and project.part is not None:
            # On the shadow, one table has the rows of both parts.
            self.heads &= {revision.id for revision in self.history.revisions()}
        self.in_ledger = session.terms.ledger and self._may_write_ledger(state)
        self.interrupted = self.ledger.interrupted()
        self.adopted: list[Statement] = []
        self.below: frozenset[str] = frozenset()

    def run(self, revisions: Sequence[Revision], *, downgrade: bool) -> tuple[str, ...]:
        """Run revisions in this order; return the rows of the version table then."""
        with redirect_stdout(sys.stderr):  # what a revision prints is not part of the answer
            # All are imported, and their settings read, before the first of them runs.
            turns = self.turns(revisions, downgrade=downgrade)
            if self.in_ledger and self.session.terms.push is None:
                self.adopt()
            # Once: no revision that is to run comes below the version rows before it has run.
            if not downgrade:
                self.below = adopting.below(self.history, self.heads)
            while turns:
                several, error = self._several(turns), None
                if len(several) > 1:
                    done, error = self._run_together(several)
                    several = several[done:]
                    turns = turns[done:]
                if several:
                    self._run_alone(turns[0], error)
                    turns = turns[1:]
        return tuple(sorted(self.heads))

    def turns(self, revisions: Sequence[Revision], *, downgrade: bool) -> list[Turn]:
        """Import revisions, and return their turns."""
        return [
            Turn(revision, self.caller.load(revision), number, len(revisions), downgrade)
            for number, revision in enumerate(revisions, 1)
        ]

    def adopt(self) -> None:
        """Prepare the rows that the ledger lacks; they go with the first revision."""
        self.adopted = adopting.adopted(self.history, self.heads, self.ledger)
        self.adopted += adopting.renewed(self.history, self.ledger)
        self.adopted += pushes.forgotten(self.ledger)

    def _several(self, turns: Sequence[Turn]) -> list[Turn]:
        """Return the first of these, and those that need not wait for its end."""
        several: list[Turn] = []
        for turn in islice(turns, _MOST):
            if not self.may_be_together(turn):
                break
            several.append(turn)
        return several or [turns[0]]

    def may_be_together(self, turn: Turn) -> bool:
        """Return whether a revision need not wait for the end of those before it."""
        terms = self.session.terms
        return (
            terms.pipelined
            and terms.together
            and self.caller.is_here
            and (terms.committed, terms.look, terms.steps) == (None, None, None)
            and turn.revision.id not in self.interrupted
            and plainness.is_apart(turn.revision, turn.action)
        )

    def _run_together(self, turns: Sequence[Turn]) -> tuple[int, Exception | None]:
        """Send revisions without waiting for the end of each.

        Returns:
            How many are applied, and what stopped the next one, which goes on alone. Those after it
            have not run.

        """
        ended, error = _Ended(self, turns), None
        heads, adopted, exists = self.heads, self.adopted, self.ledger.exists
        ended.begin()
        try:
            with self.steps.together():
                for turn in turns:
                    turn.progress = self.progress_of(turn)
                    turn.progress.table_exists = exists
                    rows = self.version_rows(turn, heads)
                    done = partial(ended.note, rows.heads)
                    if error := self.send(turn, [*adopted, *rows.statements], done):
                        break
                    heads, adopted, exists = rows.heads, [], self.in_ledger
        except (StatementError, VersionConflictError) as refused:
            error = refused
        return ended.count, error and self.steps.abandon(error, ended.began)

    def send(self, turn: Turn, rows: list[Statement], done: Callable[[], None]) -> Exception | None:
        """Send one of several revisions; return the error if it raised one."""
        try:
            with self.steps.sent(turn.progress), self.caller.using():
                self._call(turn.load(self.caller.load), turn.progress)
                self.steps.finish(rows, done)
        except Exception as error:  # noqa: BLE001 - whatever a revision raises
            return error
        return None

    def _run_alone(self, turn: Turn, error: Exception | None = None) -> None:
        """Run a revision until it is applied; MigrationError when it fails.

        Args:
            turn: the revision.
            error: what it has failed with among others.

        """
        self.announce(turn)
        began = time.monotonic()
        if error is None:
            turn.progress = self.progress_of(turn)
        progress = turn.progress
        if progress.begun:
            about = (turn.revision.id, turn.revision.message)
            self.session.listen(RevisionResumed(*about, progress.steps))
        # Before its first statement: afterwards, every moment is one in which others wait for it.
        rows = self.version_rows(turn, self.heads)
        with staged(self.session.listen, turn.revision.id, "statement", silent=True) as stage:
            # Only while nobody uses the database yet: a terminal that is stopped would keep the
            # locks of the revision for as long.
            first = self.session.terms.progress and not self.heads
            progress.stage = self.session.terms.stage or (stage if first else None)
            progress.earlier = progress.stage.done if progress.stage else 0
            while error or (error := self._attempt(turn, progress, rows)):
                self._wait(error, progress)
                error = None
        self.note(rows.heads)
        self.ledger = replace(self.ledger, exists=progress.table_exists)
        self.session.listen(turn.finished(time.monotonic() - began))

    def announce(self, turn: Turn) -> None:
        """Report that a revision runs; once, although it may run among several and then alone."""
        if not turn.is_announced:
            turn.is_announced = True
            self.session.listen(turn.started())

    def note(self, heads: set[str]) -> None:
        """Note the version rows after a revision, with which the adopted ones are written."""
        self.heads, self.adopted = heads, []

    def progress_of(self, turn: Turn) -> Progress:
        """Return how far a revision is, with what its row in the ledger says."""
        revision, ledger_ = turn.revision, self.ledger
        progress = Progress.of(
            revision, ledger_, downgrade=turn.downgrade, in_ledger=self.in_ledger
        )
        progress.lock_timeout = lock_timeout(turn.module, revision.path)
        terms = self.session.terms
        progress.limit, progress.push = terms.steps, terms.push
        if terms.push is not None:
            progress.about = terms.push.about
        elif terms.recording:
            progress.about = ledger.about(revision, "stamp", ledger_.tenant)
        # A revision that could notice it gets the answer to each statement at once.
        self.steps.pipelined = self.session.terms.pipelined and plainness.is_plain(
            revision.path, progress.action
        )
        return progress

    def version_rows(self, turn: Turn, heads: set[str]) -> VersionRows:
        """Return how the version rows change with a revision."""
        rows = VersionRows(self.chain, heads, self.table)
        if self.session.terms.push is not None:
            rows.statements.clear()  # a draft is in no history; not even the table is created
            return rows
        # A late revision is below the version rows already: they do not change.
        if turn.revision.id not in self.below:
            rows.change(turn.revision, downgrade=turn.downgrade)
        return rows

    def _attempt(self, turn: Turn, progress: Progress, rows: VersionRows) -> Exception | None:
        """Run a revision once; return the error if it failed and everything is rolled back."""
        with self.steps.attempt(progress):
            try:
                with self.caller.using():
                    self._call(turn.load(self.caller.load), progress)
                self.steps.finish([*self.adopted, *rows.statements])
            except (MigrationError, StoppedError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever a revision raises
                return self.steps.abandon(error)
        return None

    def _call(self, module: Any, progress: Progress) -> None:
        if not self.session.terms.recording:
            downgrade = progress.action == "downgrade"
            self.caller.call(progress.revision, module, downgrade=downgrade)

    def _wait(self, error: Exception, progress: Progress) -> None:
        """Wait until another attempt may succeed; MigrationError if none may."""
        if isinstance(error, MigrationError | StoppedError):
            raise error
        if self.steps.pipelined and _is_several_statements(error):
            self.steps.pipelined = False
        elif not self.session.patience.again(error, progress.revision, progress.step):
            from limbeck.engine.failure import failure  # noqa: PLC0415 - most revisions succeed

            blockers = self.session.patience.blockers()
            raise failure(error, progress, self.history.top, blockers) from error

    def _may_write_ledger(self, state: State) -> bool:
        if self.ledger.exists or state.writable:
            return True
        self.session.listen(
            Notice(
                f"no ledger is kept: role {self.session.connection.info.user} may not create "
                "the schema limbeck_state; a revision that is interrupted cannot go on by itself"
            )
        )
        return False


class _Ended:
    """Counts the revisions of several that are committed, and reports them one after the other."""

    def __init__(self, runner: Runner, turns: Sequence[Turn]) -> None:
        self.runner = runner
        self.turns = turns
        self.count = 0
        self.began = time.monotonic()

    def begin(self) -> None:
        """Report that the next revision runs, if there is one."""
        if self.count < len(self.turns):
            self.runner.announce(self.turns[self.count])
        self.began = time.monotonic()

    def note(self, heads: set[str]) -> None:
        """Note that the next revision is committed, with the version rows after it."""
        turn, runner = self.turns[self.count], self.runner
        self.count += 1
        runner.note(heads)
        runner.ledger = replace(runner.ledger, exists=runner.in_ledger or runner.ledger.exists)
        runner.session.listen(turn.finished(time.monotonic() - self.began))
        self.begin()


def _is_several_statements(error: Exception) -> bool:
    """Return whether a text was refused for holding several statements; nothing of it has run.

    Only Postgres can tell for certain: a pipeline uses the extended protocol, which takes one.
    """
    return (
        isinstance(error, StatementError)
        and isinstance(error.cause, psycopg.errors.SyntaxError)
        and "multiple commands" in str(error.cause)
    )
