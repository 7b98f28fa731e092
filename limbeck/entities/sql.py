"""SQL of entities: names, and statements that are executed literally."""

from __future__ import annotations

from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement

from limbeck.schema.sql.quoting import in_quotes, literal, schema_and_name

TableLike: TypeAlias = str | sa.FromClause | type[Any]


class Sql(ExecutableDDLElement):
    """A statement that is executed literally: no parameters, no %-formatting."""

    def __init__(self, text: str) -> None:
        self.text = text


@compiles(Sql)
def _compile(element: Sql, compiler: Any, **_: Any) -> str:
    # A driver with %-style parameters turns %% into %, even if there are no parameters.
    doubled = getattr(compiler.preparer, "_double_percents", False)
    return element.text.replace("%", "%%") if doubled else element.text


def qualified(schema: str | None, name: str) -> str:
    """Return a quoted name, with its schema if it has one."""
    return f"{in_quotes(schema)}.{in_quotes(name)}" if schema else in_quotes(name)


def regclass(schema: str | None, name: str) -> str:
    """Return SQL for the oid of a relation, NULL without one."""
    return f"pg_catalog.to_regclass({literal(qualified(schema, name))})"


def place(table: TableLike) -> tuple[str | None, str]:
    """Return the schema (None for none) and the name of a table.

    Args:
        table: its name, such as "books" or "shop.books", the Table, or a mapped class.

    """
    if not isinstance(table, str):
        selectable: Any = getattr(table, "__table__", table)
        return selectable.schema, selectable.name
    schema, name = schema_and_name(table)
    return schema or None, name
