"""Run revisions on a database through Alembic, without the user's env.py."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import HeadMaintainer, MigrationContext, RevisionStep

from limbeck.engine import ending, ledger, offline, state, statements
from limbeck.engine.batch import StatementError, Waiting
from limbeck.engine.context import Context, Heads
from limbeck.engine.execution import Execution
from limbeck.engine.failure import failure
from limbeck.engine.ledger import Ledger
from limbeck.engine.patience import Patience
from limbeck.engine.progress import Progress
from limbeck.engine.session import Session, lock_timeout
from limbeck.engine.state import State
from limbeck.engine.terms import Terms
from limbeck.errors import MigrationError
from limbeck.events import Listener, Notice, RevisionFinished, RevisionResumed, RevisionStarted
from limbeck.history import scripts
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import as_sqlalchemy
from limbeck.postgres.watching import Watcher

if TYPE_CHECKING:
    from alembic.script import Script, ScriptDirectory

    from limbeck.history.history import History


def run(  # noqa: PLR0913 - what, on what, which way, on which terms
    history: History,
    connection: psycopg.Connection[Any],
    revisions: Sequence[Revision],
    *,
    downgrade: bool,
    terms: Terms,
    listen: Listener,
    found: State | None = None,
) -> tuple[str, ...]:
    """Run revisions, each with its version row; return the version rows at the end."""
    directory = scripts.directory(history)
    loaded = [scripts.script(directory, one) for one in revisions]
    found = found or state.read(connection)
    with as_sqlalchemy(connection, found.session) as target:
        connection.autocommit = True  # each transaction begins in the batch that fills it
        watcher = _watcher(connection, terms, listen)
        patience = Patience(terms.patience, listen, watcher)
        session = Session(target, connection, history.folder, terms, listen, patience, watcher)
        session.ending = ending.listening(connection)
        session.hook()
        runner = _Runner(session, history, directory, found, downgrade=downgrade)
        try:
            runner.run(dict(zip(revisions, loaded, strict=True)))
        finally:
            if watcher:
                watcher.close()
        return tuple(sorted(runner.heads))


def _watcher(connection: psycopg.Connection[Any], terms: Terms, listen: Listener) -> Watcher | None:
    if terms.watch is None:
        return None
    pid = connection.info.backend_pid
    return Watcher(terms.watch, pid, listen, progress=terms.progress)


class _Runner:
    """The revisions of one run, with the version rows as they come to be."""

    def __init__(
        self,
        session: Session,
        history: History,
        directory: ScriptDirectory,
        found: State,
        *,
        downgrade: bool,
    ) -> None:
        self.session = session
        self.history = history
        self.directory = directory
        self.ledger = found.ledger if session.terms.ledger else Ledger()
        self.heads = set(found.recorded)
        self.downgrade = downgrade
        self.kept = session.terms.ledger and self._may_keep(found)
        self.adopting: list[Waiting] = []
        self.timeouts: dict[Revision, str | None] = {}

    def run(self, scripts_of: Mapping[Revision, Script]) -> None:
        """Carry them out in their order."""
        self.adopting = self._adopted(self._unwritten())
        self.timeouts = {
            one: lock_timeout(script.module, one.path) for one, script in scripts_of.items()
        }
        config = scripts.configuration(self.history)
        with (
            EnvironmentContext(config, self.directory) as environment,
            _begun(self.session),
            # What a revision prints is no part of the answer.
            redirect_stdout(sys.stderr),
        ):
            for number, (revision, script) in enumerate(scripts_of.items(), 1):
                said: dict[str, Any] = {
                    "revision": revision.id,
                    "message": revision.message,
                    "number": number,
                    "total": len(scripts_of),
                    "downgrade": self.downgrade,
                }
                self.session.listen(RevisionStarted(**said))
                begun = time.monotonic()
                self._carry_out(revision, script, environment)
                seconds = time.monotonic() - begun
                self.session.listen(RevisionFinished(**said, seconds=seconds))

    def _carry_out(
        self, revision: Revision, script: Script, environment: EnvironmentContext
    ) -> None:
        progress = self._progress(revision, environment)
        while True:
            execution = Execution(self.session, progress, self.timeouts[revision])
            try:
                with execution.attached():
                    self.heads = self._attempt(execution, script, environment)
            except MigrationError:
                raise
            except Exception as error:
                execution.abandon()
                if not self._again(error, execution):
                    blockers = self.session.patience.blockers()
                    reason = execution.reason(error)
                    raise failure(reason, progress, self.history.folder, blockers) from error
            else:
                self.ledger = replace(self.ledger, kept=progress.created)
                return

    def _attempt(
        self, execution: Execution, script: Script, environment: EnvironmentContext
    ) -> set[str]:
        context = Context(self.session.target, environment, execution)
        environment._migration_context = context  # noqa: SLF001 - as configure() does
        module = script.module
        with Operations.context(context):
            (module.downgrade if self.downgrade else module.upgrade)()
        heads = Heads(context, set(self.heads))
        if self.downgrade or script.revision not in self._below():
            upwards = not self.downgrade
            heads.update_to_step(RevisionStep(self.directory.revision_map, script, upwards))
        execution.finish([*self.adopting, *heads.written])
        self.adopting = []
        return heads.heads

    def _again(self, error: Exception, execution: Execution) -> bool:
        """Tell whether another attempt may do, after a pause if need be."""
        session = self.session
        if session.terms.pipelined and _not_for_pipelines(error):
            session.terms = replace(session.terms, pipelined=False)
            return True
        return session.patience.again(error, execution.progress.revision, execution.step)

    def _progress(self, revision: Revision, environment: EnvironmentContext) -> Progress:
        progress = Progress.of(revision, self.ledger, downgrade=self.downgrade, kept=self.kept)
        progress.checksum = partial(self._checksum, revision, environment)
        if progress.begun:
            self.session.listen(RevisionResumed(revision.id, revision.message, progress.steps))
        return progress

    def _below(self) -> set[str]:
        """The revisions that the version rows cover already: one of them came late."""
        return {one.id for one in self.history.applied(self._known())}

    def _known(self) -> list[str]:
        known = {one.id for one in self.history.revisions()}
        return [id_ for id_ in self.heads if id_ in known]

    def _unwritten(self) -> list[Revision]:
        """What is applied and in no ledger: it was there before, or others ran it."""
        if not self.kept:
            return []
        below, written = self._below(), self.ledger.applied()
        late = {one.id for one in ledger.late(self.history, self._known(), self.ledger)}
        known = self.history.revisions()
        return [one for one in known if one.id in below and one.id not in {*written, *late}]

    def _adopted(self, revisions: Sequence[Revision]) -> list[Waiting]:
        written: list[Waiting] = []
        texts = offline.sql(self.history, revisions, directory=self.directory) if revisions else ()
        for one, text in zip(revisions, texts, strict=True):
            there = self.ledger.kept or bool(written)
            progress = Progress(one, "adopt", kept=True, created=there)
            progress.checksum = partial(statements.checksum, [text])
            written += progress.finish(0, "")
        return written

    def _checksum(self, revision: Revision, environment: EnvironmentContext) -> str:
        if (known := self.session.terms.sql) is not None:
            text = known(revision)
        else:
            found = offline.sql(
                self.history, [revision], downgrade=self.downgrade, directory=self.directory
            )
            text = found[0]
        # Putting it into words had a context of its own, and `alembic.context` is one for all.
        environment._install_proxy()  # noqa: SLF001 - as entering it does
        return statements.checksum([text])

    def _may_keep(self, found: State) -> bool:
        if self.ledger.kept or found.writable:
            return True
        self.session.listen(
            Notice(
                f"no ledger is kept: role {self.session.connection.info.user} may not create "
                "the schema limbeck_state; a revision that is interrupted cannot go on by itself"
            )
        )
        return False


@contextmanager
def _begun(session: Session) -> Iterator[None]:
    """What SQLAlchemy takes for a transaction; the real ones are begun and ended in batches."""
    transaction = session.target.begin()
    try:
        yield
    finally:
        transaction.close()


def _not_for_pipelines(error: Exception) -> bool:
    """Tell whether a text turned out to be several statements; nothing of it was run."""
    return (
        isinstance(error, StatementError)
        and isinstance(error.cause, psycopg.errors.SyntaxError)
        and "multiple commands" in str(error.cause)
    )


def stamp(connection: psycopg.Connection[Any], ids: Sequence[str]) -> None:
    """Make the version table hold exactly these ids."""
    with as_sqlalchemy(connection) as target, target.begin():
        context = MigrationContext.configure(target)
        context._ensure_version_table(purge=True)  # noqa: SLF001 - Alembic's stamp needs an env.py
        maintainer = HeadMaintainer(context, ())
        for id_ in ids:
            maintainer._insert_version(id_)  # noqa: SLF001 - as above
