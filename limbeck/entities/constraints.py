"""Constraints of tables for which SQLAlchemy has no class."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import Constraint

from limbeck.schema.sql import forms


class NotNull(Constraint):
    """The name of a column's NOT NULL constraint, for __table_args__; Postgres 18 or later.

    Args:
        column: the column's name.
        name: the constraint's name.
        no_inherit: whether child tables do not inherit it.

    """

    def __init__(self, column: str, *, name: str, no_inherit: bool = False) -> None:
        super().__init__(name=sa.schema.conv(name))
        self.column = column
        self.no_inherit = no_inherit

    def copy(self, **_: Any) -> NotNull:
        """Return a copy for another table."""
        return NotNull(self.column, name=str(self.name), no_inherit=self.no_inherit)

    _copy = copy


class TableConstraint(Constraint):
    """Any constraint by its definition in SQL, for __table_args__.

    Args:
        definition: the SQL after CONSTRAINT and its name, such as
            "EXCLUDE USING gist (room WITH =, during WITH &&)".
        name: the constraint's name.

    """

    def __init__(self, definition: str, *, name: str) -> None:
        super().__init__(name=sa.schema.conv(name))
        self.definition = definition

    def copy(self, **_: Any) -> TableConstraint:
        """Return a copy for another table."""
        return TableConstraint(self.definition, name=str(self.name))

    _copy = copy


@compiles(NotNull)
def _not_null(element: NotNull, compiler: Any, **_: Any) -> str | None:
    dialect = compiler.dialect
    version = getattr(dialect, "server_version_info", None) or (forms.NEWEST,)
    if dialect.name != "postgresql" or not forms.NAMED_NOT_NULLS.exists(version[0]):
        return None
    name, column = compiler.preparer.quote(element.name), compiler.preparer.quote(element.column)
    end = " NO INHERIT" if element.no_inherit else ""
    return f"CONSTRAINT {name} NOT NULL {column}{end}"


@compiles(TableConstraint)
def _table_constraint(element: TableConstraint, compiler: Any, **_: Any) -> str:
    doubled = getattr(compiler.preparer, "_double_percents", False)
    text = element.definition.replace("%", "%%") if doubled else element.definition
    return f"CONSTRAINT {compiler.preparer.quote(element.name)} {text}"
