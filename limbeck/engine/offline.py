"""Render revisions as SQL without a database, in Alembic's offline mode."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from limbeck.errors import HistoryError
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.paths import shown
from limbeck.project.code.in_process import InProcess

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

    from limbeck.engine.environment import Environment
    from limbeck.project.code.answers import Rendered
    from limbeck.project.code.out_of_process import OutOfProcess


def sql(
    history: History, revisions: Sequence[Revision], *, downgrade: bool = False
) -> tuple[str, ...]:
    """Return the statements of each revision, each ended by a semicolon.

    A revision that queries the database cannot be rendered; its text has the statements up to
    the query, and a comment.
    """
    if not revisions:
        return ()
    with _environment(history) as environment:
        return tuple(rendered(environment, each, downgrade=downgrade) for each in revisions)


def rendered(environment: Environment, revision: Revision, *, downgrade: bool) -> str:
    """Return the statements of one revision, as `sql` does, in an environment that is installed."""
    sql = _rendered(environment, revision, downgrade=downgrade)
    if sql.error is not None:
        ended = f"-- {shown(revision.path)} runs Python that asks the database ({sql.error})"
        return f"{sql.text}{ended}".strip()
    # Around an autocommit block Alembic ends a transaction, and begins one: here those that
    # nothing precedes or follows.
    return sql.text.strip().removeprefix("COMMIT;").removesuffix("BEGIN;").strip()


def _rendered(environment: Environment, revision: Revision, *, downgrade: bool) -> Rendered:
    """Return a revision as SQL, rendered here or by the worker."""
    from limbeck.history import scripts  # noqa: PLC0415 - Alembic only when it is needed

    code = environment.history.code
    if not isinstance(code, InProcess):
        starting = _starting(revision, downgrade=downgrade)
        return cast("OutOfProcess", code).rendered(revision.path, starting, downgrade=downgrade)
    text = _Steps()
    reason = None
    with environment.offline(revision, text, downgrade=downgrade) as context:
        module = scripts.module(environment.history, revision)
        text.watch(context)
        try:
            (module.downgrade if downgrade else module.upgrade)()
        except Exception as error:  # noqa: BLE001 - whatever Python does without its database
            reason = f"{error}"
    from limbeck.project.code.answers import Rendered  # noqa: PLC0415 - planning imports this module

    return Rendered(text.getvalue(), text.counted(), reason)


def steps(history: History, revision: Revision, *, downgrade: bool = False) -> int | None:
    """Return how many steps a revision has; None when only its run can tell.

    A step is a transaction with statements, or one statement in an autocommit block.
    """
    with _environment(history) as environment:
        sql = _rendered(environment, revision, downgrade=downgrade)
    return sql.steps if sql.error is None else None


class _Steps(io.StringIO):
    """A text that counts the steps of the statements written to it."""

    def __init__(self) -> None:
        super().__init__()
        self._in_block = False
        self._steps = 0
        self._open = False

    def watch(self, context: MigrationContext) -> None:
        """Learn from a context where its autocommit blocks begin and end."""
        static, block = context.impl.static_output, context.autocommit_block

        def output(text: str) -> None:
            self._steps += self._in_block
            self._open = not self._in_block
            static(text)

        @contextmanager
        def boundary() -> Iterator[None]:
            self._steps, self._open = self.counted(), False
            with block():
                self._in_block = True
                try:
                    yield
                finally:
                    self._in_block = False
            self._open = False

        context.impl.static_output = output  # type: ignore[method-assign]
        context.autocommit_block = boundary  # type: ignore[method-assign]

    def counted(self) -> int:
        """Return the number of steps so far."""
        return self._steps + self._open


def script(
    history: History,
    revisions: Sequence[Revision],
    *,
    downgrade: bool = False,
    bodies: bool = True,
) -> str:
    """Return all revisions as `alembic upgrade --sql` does, with transactions and version rows.

    Args:
        history: the history.
        revisions: the revisions, in their order.
        downgrade: write their downgrades.
        bodies: write their statements, not only the version rows.

    Raises:
        HistoryError: a revision queries the database.

    """
    text = io.StringIO()
    with _environment(history) as environment:
        for revision in revisions:
            with environment.offline(revision, text, downgrade=downgrade) as context:
                _write_step(
                    environment, context, revision, text, downgrade=downgrade, bodies=bodies
                )
    return text.getvalue().strip()


def _write_step(  # noqa: PLR0913 - what, where to, which way, and how much
    environment: Environment,
    context: MigrationContext,
    revision: Revision,
    text: io.StringIO,
    *,
    downgrade: bool,
    bodies: bool,
) -> None:
    from alembic.runtime.migration import HeadMaintainer  # noqa: PLC0415 - only when it is needed

    step = environment.step(revision, downgrade=downgrade)
    heads = HeadMaintainer(context, step.from_revisions)
    context.impl.emit_begin()
    text.write(f"-- {'downgrade' if downgrade else 'upgrade'} {revision}\n\n")
    if not downgrade and not heads.heads and context.connection is not None:
        context._version.create(context.connection)  # noqa: SLF001 - as Alembic's offline mode
    try:
        if bodies:
            _write_body(environment, revision, text, downgrade=downgrade)
    except Exception as error:
        raise HistoryError(
            f"{shown(revision.path)} runs Python that queries the database, "
            f"so it cannot be written as a script ({type(error).__name__}: {error})",
            hint="Run it: limbeck migrate",
        ) from error
    heads.update_to_step(step)
    context.impl.emit_commit()


def _write_body(
    environment: Environment,
    revision: Revision,
    text: io.StringIO,
    *,
    downgrade: bool,
) -> None:
    from limbeck.history import scripts  # noqa: PLC0415 - as above

    code = environment.history.code
    if isinstance(code, InProcess):
        module = scripts.module(environment.history, revision)
        (module.downgrade if downgrade else module.upgrade)()
        return
    sql = cast("OutOfProcess", code).rendered(
        revision.path, _starting(revision, downgrade=downgrade), downgrade=downgrade
    )
    text.write(sql.text)
    if sql.error is not None:
        raise ValueError(sql.error)


def _starting(revision: Revision, *, downgrade: bool) -> tuple[str, ...]:
    return (revision.id,) if downgrade else revision.parents


@contextmanager
def _environment(history: History) -> Iterator[Environment]:
    from limbeck.engine.environment import (  # noqa: PLC0415 - Alembic only when it is needed
        Environment,
    )

    with Environment(history).installed() as environment:
        yield environment
