"""Which statements touch only what their own transaction has created, so that none waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.engine.default import DefaultExecutionContext


class Newness:
    """The tables that a transaction has created."""

    def __init__(self) -> None:
        self._created: set[str] = set()

    def holds(self, context: DefaultExecutionContext) -> bool:
        """Return whether a statement creates an object and refers only to other new ones.

        A foreign key to an older table locks that table (SHARE ROW EXCLUSIVE); SQL as text may do
        anything.
        """
        # Not for runs in a worker, which tells it by itself.
        from sqlalchemy import schema  # noqa: PLC0415 - see above
        from sqlalchemy.dialects.postgresql import named_types  # noqa: PLC0415 - see above

        match getattr(context.compiled, "statement", None):
            case schema.CreateTable(element=table, if_not_exists=False):
                self._created.add(table.fullname)
                keys = (key.target_fullname for key in table.foreign_keys)
                alone = not table.dialect_options["postgresql"]["inherits"]
                return alone and all(key.rpartition(".")[0] in self._created for key in keys)
            case schema.CreateIndex(element=index):
                return index.table is not None and index.table.fullname in self._created
            case statement:
                apart = (schema.CreateSchema, schema.CreateSequence, named_types.CreateEnumType)
                return isinstance(statement, apart)
