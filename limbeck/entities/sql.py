"""SQL that entities are created by: quoting, and statements that say exactly what they say."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement

TableLike: TypeAlias = str | sa.FromClause | type[Any]

_PART = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')


class Sql(ExecutableDDLElement):
    """A statement that is executed as it is written: no parameters, no %-formatting."""

    def __init__(self, text: str) -> None:
        self.text = text


@compiles(Sql)
def _compile(element: Sql, compiler: Any, **_: Any) -> str:
    # A driver with %-style parameters takes %% for %, also where there are no parameters.
    doubled = getattr(compiler.preparer, "_double_percents", False)
    return element.text.replace("%", "%%") if doubled else element.text


def quoted(name: str) -> str:
    """Return a name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str | None, name: str) -> str:
    """Return a quoted name, with its schema where it has one."""
    return f"{quoted(schema)}.{quoted(name)}" if schema else quoted(name)


def string(text: str) -> str:
    """Return a string literal."""
    escaped = text.replace("'", "''")
    if "\\" in escaped:
        return "E'" + escaped.replace("\\", "\\\\") + "'"
    return f"'{escaped}'"


def regclass(schema: str | None, name: str) -> str:
    """Return SQL for the oid of a relation, NULL where there is none."""
    return f"pg_catalog.to_regclass({string(qualified(schema, name))})"


def place(table: TableLike) -> tuple[str | None, str]:
    """Return the schema (None where none is named) and the name of a table.

    Args:
        table: its name, such as "books" or "shop.books", the Table, or a mapped class.

    """
    if not isinstance(table, str):
        found: Any = getattr(table, "__table__", table)
        return found.schema, found.name
    parts = [part[0].replace('""', '"') or part[1] for part in _PART.findall(table)]
    return (parts[0], parts[1]) if len(parts) > 1 else (None, parts[0])
