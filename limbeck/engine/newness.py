"""Statements that make nobody wait: they touch only what their own transaction has made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import schema
from sqlalchemy.dialects.postgresql import named_types

if TYPE_CHECKING:
    from sqlalchemy.engine.default import DefaultExecutionContext

_APART = (schema.CreateSchema, schema.CreateSequence, named_types.CreateEnumType)


class Newness:
    """The tables that a transaction has made."""

    def __init__(self) -> None:
        self._made: set[str] = set()

    def holds(self, context: DefaultExecutionContext) -> bool:
        """Tell whether a statement makes something new, and refers only to what is as new.

        A foreign key to a table that was there before locks it, and SQL as text may do anything.
        """
        match getattr(context.compiled, "statement", None):
            case schema.CreateTable(element=table, if_not_exists=False):
                self._made.add(table.fullname)
                keys = (key.target_fullname for key in table.foreign_keys)
                alone = not table.dialect_options["postgresql"]["inherits"]
                return alone and all(key.rpartition(".")[0] in self._made for key in keys)
            case schema.CreateIndex(element=index):
                return index.table is not None and index.table.fullname in self._made
            case statement:
                return isinstance(statement, _APART)
