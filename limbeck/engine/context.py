"""Alembic's context, with our own way of committing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from alembic.runtime.migration import HeadMaintainer, MigrationContext
from sqlalchemy.schema import CreateTable

from limbeck.engine.batch import Waiting

if TYPE_CHECKING:
    import sqlalchemy as sa
    from alembic.runtime.environment import EnvironmentContext

    from limbeck.engine.execution import Execution


class Context(MigrationContext):
    """What `op` works on: its boundaries are steps, and nobody waits for what it says."""

    def __init__(
        self, target: sa.Connection, environment: EnvironmentContext, execution: Execution
    ) -> None:
        options = {**environment.context_opts, "transaction_per_migration": True}
        super().__init__(target.dialect, target, options, environment)
        self.execution = execution
        # A column's type is created by an event of the table, around `_exec`.
        for name in ("_exec", "create_table", "drop_table"):
            setattr(self.impl, name, self._unanswered(getattr(self.impl, name)))

    @contextmanager
    def autocommit_block(self) -> Iterator[None]:
        """End the transaction; each statement of the block is a step of its own."""
        with self.execution.block():
            yield

    def _unanswered(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def executed(*arguments: Any, **options: Any) -> Any:
            with self.execution.unanswered():
                return function(*arguments, **options)

        return executed


class Heads(HeadMaintainer):
    """Keeps the version table, in statements that go with the revision's own."""

    def __init__(self, context: MigrationContext, heads: set[str]) -> None:
        super().__init__(context, heads)
        self.written: list[Waiting] = []
        if not heads:
            table = CreateTable(context._version, if_not_exists=True)  # noqa: SLF001 - Alembic's own
            self.written.append(Waiting(str(table.compile(dialect=context.dialect))))

    def _insert_version(self, version: str) -> None:
        self.heads.add(version)
        self._write("INSERT INTO {} (version_num) VALUES (%s)", version)

    def _delete_version(self, version: str) -> None:
        self.heads.remove(version)
        self._write("DELETE FROM {} WHERE version_num = %s", version)

    def _update_version(self, from_: str, to_: str) -> None:
        self.heads.remove(from_)
        self.heads.add(to_)
        self._write("UPDATE {} SET version_num = %s WHERE version_num = %s", to_, from_)

    def _write(self, statement: str, *values: str) -> None:
        table = self.context.impl.dialect.identifier_preparer.format_table(self.context._version)  # noqa: SLF001 - as above
        self.written.append(Waiting(statement.format(table), values, rows=1))
