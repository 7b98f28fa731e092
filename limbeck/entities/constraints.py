"""Parts of tables for which SQLAlchemy has no class, for __table_args__."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import Constraint, SchemaItem

from limbeck.entities.sql import place, qualified
from limbeck.schema.sql import forms


class Inherits(SchemaItem):
    """The tables that a table inherits from (INHERITS), for __table_args__.

    The class declares their columns as well, for queries; CREATE TABLE leaves those to the parents.

    Args:
        parents: their Tables or mapped classes, of the same MetaData.

    """

    def __init__(self, *parents: sa.FromClause | type[Any]) -> None:
        self.parents = parents

    def _set_parent(self, parent: Any, **_: Any) -> None:
        names = []
        for given in self.parents:
            table: Any = getattr(given, "__table__", given)
            parent.add_is_dependent_on(table)
            names.append(sa.sql.quoted_name(qualified(*place(table)), quote=False))
            for column in parent.columns:
                column.system = column.system or column.name in table.columns
        parent.dialect_options["postgresql"]["inherits"] = names


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
