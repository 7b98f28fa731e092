"""What a revision would run, in words: Alembic's offline mode."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

from limbeck.errors import HistoryError
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.paths import shown

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext, RevisionStep
    from alembic.script import ScriptDirectory


def sql(
    history: History,
    revisions: Sequence[Revision],
    *,
    downgrade: bool = False,
    directory: ScriptDirectory | None = None,
) -> tuple[str, ...]:
    """Return the statements of each revision, each ended by a semicolon.

    A revision that queries the database cannot be rendered; its text has the statements up to
    the query, and a comment.
    """
    if not revisions:
        return ()
    from limbeck.history import scripts  # noqa: PLC0415 - Alembic only when it is needed

    directory = directory or scripts.directory(history)
    return tuple(_sql(history, directory, each, downgrade=downgrade) for each in revisions)


def steps(history: History, revision: Revision, *, downgrade: bool = False) -> int | None:
    """Return how many steps a revision has; None when only its run can tell.

    A step is a transaction with statements, or one statement in an autocommit block.
    """
    from limbeck.history import scripts  # noqa: PLC0415 - Alembic only when it is needed

    directory = scripts.directory(history)
    module = scripts.script(directory, revision).module
    said = _Steps()
    with _offline(history, directory, said, revision, downgrade=downgrade) as context:
        said.watch(context)
        try:
            (module.downgrade if downgrade else module.upgrade)()
        except Exception:  # noqa: BLE001 - whatever Python does without its database
            return None
    return said.counted()


class _Steps(io.StringIO):
    """Counts what is written by the boundaries between."""

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
        """Return the steps so far."""
        return self._steps + self._open


def script(history: History, revisions: Sequence[Revision], *, downgrade: bool = False) -> str:
    """Return all of it with transactions and version rows, as `alembic upgrade --sql` does.

    Raises:
        HistoryError: a revision queries the database.

    """
    from alembic.runtime.migration import RevisionStep  # noqa: PLC0415 - only when it is needed

    from limbeck.history import scripts  # noqa: PLC0415 - as above

    directory = scripts.directory(history)
    said = io.StringIO()
    for revision in revisions:
        with _offline(history, directory, said, revision, downgrade=downgrade) as context:
            step = RevisionStep(
                directory.revision_map, scripts.script(directory, revision), not downgrade
            )
            _write_step(context, step, revision, said)
    return said.getvalue().strip()


def _sql(
    history: History, directory: ScriptDirectory, revision: Revision, *, downgrade: bool
) -> str:
    from limbeck.history import scripts  # noqa: PLC0415 - as above

    module = scripts.script(directory, revision).module
    said = io.StringIO()
    with _offline(history, directory, said, revision, downgrade=downgrade):
        try:
            (module.downgrade if downgrade else module.upgrade)()
        except Exception as error:  # noqa: BLE001 - whatever Python does without its database
            said.write(f"-- {shown(revision.path)} runs Python that asks the database ({error})\n")
    return said.getvalue().strip()


def _write_step(
    context: MigrationContext, step: RevisionStep, revision: Revision, said: io.StringIO
) -> None:
    from alembic.runtime.migration import HeadMaintainer  # noqa: PLC0415 - as above

    heads = HeadMaintainer(context, step.from_revisions)
    context.impl.emit_begin()
    said.write(f"-- {'upgrade' if step.is_upgrade else 'downgrade'} {revision}\n\n")
    if step.is_upgrade and not heads.heads and context.connection is not None:
        context._version.create(context.connection)  # noqa: SLF001 - as Alembic's offline mode
    try:
        step.migration_fn()
    except Exception as error:
        raise HistoryError(
            f"{shown(revision.path)} runs Python that asks the database, "
            f"so it is no script ({type(error).__name__}: {error})",
            hint="Run it: limbeck migrate",
        ) from error
    heads.update_to_step(step)
    context.impl.emit_commit()


@contextmanager
def _offline(
    history: History,
    directory: ScriptDirectory,
    said: io.StringIO,
    revision: Revision,
    *,
    downgrade: bool = False,
) -> Iterator[MigrationContext]:
    from alembic.operations import Operations  # noqa: PLC0415 - as above
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415 - as above

    from limbeck.history import scripts  # noqa: PLC0415 - as above

    config = scripts.configuration(history)
    start = (revision.id,) if downgrade else revision.parents
    options = {"as_sql": True, "starting_rev": start or None}
    with EnvironmentContext(config, directory, **options) as environment:
        environment.configure(
            dialect_name="postgresql",
            # %s placeholders would double every % of the text
            dialect_opts={"paramstyle": "named"},
            literal_binds=True,
            output_buffer=said,
            transaction_per_migration=True,
        )
        context = environment.get_context()
        # What a revision prints is no part of the answer.
        with Operations.context(context), redirect_stdout(sys.stderr):
            yield context
