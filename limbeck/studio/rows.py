"""A page of the rows of a table: filtered, without the values of masked columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, TypeAlias

import psycopg
from psycopg import sql

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError
from limbeck.postgres.connect import Connection
from limbeck.schema.catalog.objects.columns import Column
from limbeck.studio.described import Described

ROWS: Final = 50
"""How many rows a page has."""
LONGEST: Final = 300
"""How many characters of a value are read from the server."""

Comparison: TypeAlias = Literal["contains", "equals", "is null", "is not null"]
COMPARISONS: Final[Sequence[Comparison]] = ("contains", "equals", "is null", "is not null")


@dataclass(frozen=True, slots=True)
class Filter:
    """What rows have to meet; without a column there is no condition."""

    column: str = ""
    comparison: Comparison = "contains"
    value: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as text; None is NULL. `cut` tells that the value is longer."""

    text: str | None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows from number `start` (0 is the first) on; `more` is whether others follow.

    `secured` is whether row security may hide rows from the role, `problem` what Postgres says of
    the value that was asked for.
    """

    columns: tuple[str, ...]
    masked: frozenset[str]
    cells: tuple[tuple[Cell | None, ...], ...] = ()
    start: int = 0
    more: bool = False
    secured: bool = False
    problem: str | None = None


def masked_columns(patterns: Sequence[str], columns: Sequence[Column]) -> frozenset[str]:
    """Return the names of the columns whose values are not shown, by the setting `mask`."""
    return frozenset(each.name for each in columns if _is_masked(patterns, each))


def _is_masked(patterns: Sequence[str], column: Column) -> bool:
    names = (
        column.name,
        f"{column.table}.{column.name}",
        f"{column.schema}.{column.table}.{column.name}",
    )
    return any(fnmatchcase(name.lower(), each.lower()) for each in patterns for name in names)


def read(
    connection: Connection,
    described: Described,
    masked: frozenset[str],
    wanted: Filter,
    start: int = 0,
) -> Rows:
    """Return a page of rows; the values of masked columns do not leave the server.

    Args:
        connection: A read-only session.
        described: The table.
        masked: The columns that are neither read nor compared.
        wanted: The filter.
        start: The number of the first row.

    Raises:
        ConfigurationError: The filter names a masked column, or one that the table has not.

    """
    names = tuple(column.name for column in described.columns)
    shown = [name for name in names if name not in masked]
    if wanted.column and wanted.column not in shown:
        raise ConfigurationError(
            f"{wanted.column} is not a column that can be filtered",
            hint="Masked columns are not compared: see the setting `mask`.",
        )
    # Without a key, the pages follow each other only if each is read from the table's beginning.
    connection.execute(_IN_ORDER)
    secured = _is_secured(connection, described)
    try:
        answer = _answer(connection, described, shown, wanted, start)
    except psycopg.DataError as error:  # the value is none of the column's type
        problem = error.diag.message_primary or str(error)
        return Rows(names, masked, secured=secured, problem=problem)
    cells = tuple(tuple(_cells(row, names, masked)) for row in answer[:ROWS])
    return Rows(names, masked, cells, start, len(answer) > ROWS, secured)


_IN_ORDER: Final = "SET synchronize_seqscans = off; SET max_parallel_workers_per_gather = 0"


def _is_secured(connection: Connection, described: Described) -> bool:
    name = sql.Identifier(described.table.schema, described.table.name).as_string()
    row = connection.execute("SELECT row_security_active(%s::regclass)", [name]).fetchone()
    return bool(row and row[0])


def _answer(
    connection: Connection, described: Described, shown: Sequence[str], wanted: Filter, start: int
) -> list[Any]:
    try:
        return connection.execute(_query(described, shown, wanted, start)).fetchall()
    except psycopg.errors.UndefinedFunction:
        if wanted.comparison != "equals":
            raise
        # Types such as json and point have no equality: their texts have.
        alike = _query(described, shown, wanted, start, equals="{column}::text = {value}")
        return connection.execute(alike).fetchall()


_EQUALS: Final = "{column} = {value}"


def _query(
    described: Described, shown: Sequence[str], wanted: Filter, start: int, equals: str = _EQUALS
) -> sql.Composed:
    """Return the query; one row more than a page tells whether another page follows."""
    texts = [
        sql.SQL("left({}::text, {})").format(sql.Identifier(name), LONGEST + 1) for name in shown
    ]
    table = sql.Identifier(described.table.schema, described.table.name)
    query = sql.SQL("SELECT ARRAY[{}]::text[] FROM {}").format(sql.SQL(", ").join(texts), table)
    if wanted.column:
        query += sql.SQL(" WHERE ") + _condition(wanted, equals)
    if key := described.primary_key:
        query += sql.SQL(" ORDER BY ") + sql.SQL(", ").join(map(sql.Identifier, key))
    return query + sql.SQL(" LIMIT {} OFFSET {}").format(ROWS + 1, start)


def _condition(wanted: Filter, equals: str) -> sql.Composed:
    # A literal, no parameter: with parameters a percent sign in a name would be read as one, too.
    # The server gives it the type of the column, so that `equals` can use an index.
    form: Any = {
        "contains": "strpos(lower({column}::text), lower({value})) > 0",
        "equals": equals,
        "is null": "{column} IS NULL",
        "is not null": "{column} IS NOT NULL",
    }[wanted.comparison]
    return sql.SQL(form).format(column=sql.Identifier(wanted.column), value=wanted.value)


def _cells(
    row: Sequence[Any], names: Sequence[str], masked: frozenset[str]
) -> Iterator[Cell | None]:
    """Yield a cell for each column, None for a masked one."""
    values = iter(row[0])
    for name in names:
        if name in masked:
            yield None
            continue
        text: str | None = next(values)
        cut = text is not None and len(text) > LONGEST
        yield Cell(text[:LONGEST] if cut and text else text, cut)
