"""SQL expressions over column values: comparison, steady defaults, references to a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.casts import base, narrows
from limbeck.schema.sql.lexer import tokens
from limbeck.schema.sql.quoting import KEYWORDS, RESERVED, quote, unquote

# Types in which "=" means identical. Equal values can differ in citext ('a' = 'A'), numeric
# (1.0 = 1.00), interval ('1 day' = '24 hours') and character; json, xml and point have no "=".
EXACT = frozenset(
    {
        "smallint",
        "integer",
        "bigint",
        "boolean",
        "text",
        "character varying",
        "uuid",
        "date",
        "time without time zone",
        "timestamp without time zone",
        "timestamp with time zone",
        "bytea",
        "oid",
    }
)
# A constant as pg_get_expr() prints it, with an optional cast.
LITERAL = (
    r"""(?:E?'(?:[^'\\]|''|\\.)*'|-?[\d.]+|\(-[\d.]+\)|true|false|NULL)(?:::[\w ."()\[\],]+)?"""
)
# Clocks that do not advance within a statement; clock_timestamp() does.
CLOCK = r"(?:now\(\)|CURRENT_\w+(?:\(\d\))?|LOCALTIME\w*(?:\(\d\))?|statement_timestamp\(\))"
NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
# Pairs of types with the same storage, of which the second accepts every value of the first.
FREE = {("character varying", "text"), ("text", "character varying"), ("cidr", "inet")}
# Unreserved keywords that occur in expressions, such as AT TIME ZONE. Postgres deparses keywords in
# capitals, which distinguishes them from columns of these names.
PHRASES = frozenset(
    {"at", "zone", "local", "year", "month", "day", "hour", "minute", "second", "escape", "by"}
    | {"partition", "over", "filter", "within", "range", "rows", "groups", "unbounded", "preceding"}
    | {"following", "exclude", "others", "ties", "nulls", "first", "last", "json", "document"}
)
STEADY = re.compile(rf"\(?(?:{LITERAL}|{CLOCK})\)?(?:::[\w ]+)?")


def is_exact(column: Column) -> bool:
    """Return whether equal values of a column are always identical."""
    return base(column.type) in EXACT and column.collation is None


def widens(before: Column, after: Column) -> bool:
    """Return whether a type change only widens the type, without a rewrite or scan of the table.

    ALTER TABLE decides the same in varchar_support() and numeric_support() (Postgres source,
    varchar.c and numeric.c).
    """
    if before.collation != after.collation:
        return False
    old, new = base(before.type), base(after.type)
    if narrows(before.type, after.type):
        return False
    if old == new == "character varying" or (old, new) in FREE:
        return True
    former, wanted = NUMERIC.fullmatch(before.type), NUMERIC.fullmatch(after.type)
    if former is None:
        return False
    if wanted is None:
        return after.type == "numeric"
    return former[2] == wanted[2] and int(former[1]) <= int(wanted[1])


def differ(left: str, right: str, *, exact: bool) -> str:
    """Return SQL that is true if two values are not identical; NULL equals NULL.

    Where "=" does not mean identical, record_image_ne(), the function of the operator `*<>`,
    compares the stored bytes (Postgres manual, "Composite Type Comparison").
    """
    if exact:
        return f"{left} IS DISTINCT FROM {right}"
    return f"record_image_ne(ROW({left}), ROW({right}))"


def is_steady(default: str) -> bool:
    """Return whether a default yields the same value throughout one statement."""
    return STEADY.fullmatch(default) is not None


def respelled(expression: str, names: Collection[str], spell: Callable[[str], str]) -> str:
    """Return an expression over one row with the columns of these names replaced by `spell`.

    Postgres has deparsed the expression, or a user wrote it, perhaps with names in capitals.
    """
    parts, place = list[str](), 0
    words = tokens(expression)
    around = [("", ""), *((kind, text.lower()) for kind, text, _ in words), ("", "")]
    neighbours = zip(around, around[2:], strict=False)
    for (kind, text, start), (before, after) in zip(words, neighbours, strict=False):
        name = _column(kind, text)
        if name in names and not _is_no_column(before, after):
            parts += [expression[place:start], spell(name)]
            place = start + len(text)
    return "".join([*parts, expression[place:]])


def folded_word(word: str) -> str:
    """Return a word without quotes as Postgres folds it: in UTF-8 only the letters of ASCII."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in word)


def _column(kind: str, text: str) -> str:
    """Return the column name that a token may be; empty if it cannot be one."""
    if kind == "name":
        return unquote(text)
    folded = folded_word(text)
    keyword = folded in RESERVED or (text.isupper() and folded in KEYWORDS | PHRASES)
    return folded if kind == "word" and not keyword else ""


def _is_no_column(before: tuple[str, str], after: tuple[str, str]) -> bool:
    """Return whether a name is not a column, by the tokens beside it.

    A word before "(" is a function, before "." a table or schema, after "." a field, before "=>"
    an argument, and after "::", after AS or before a string (date '2026-01-01') a type.
    """
    return (
        before[1] in {".", "::", "as", "collate"}
        or after[1] in {"(", ".", "=>", ":="}
        or after[0] == "string"
    )


def of_row(
    row: str, expression: str, names: Collection[str], computed: Sequence[tuple[str, str]] = ()
) -> str:
    """Return an expression with its columns qualified by a row variable, such as NEW.

    Args:
        row: The variable.
        expression: The expression over a row of the table.
        names: All columns that the table has where the expression is evaluated.
        computed: Its generated columns with their expressions, which take their place: Postgres
            computes such a column after the BEFORE triggers, in which it is NULL.

    """

    def spell(name: str) -> str:
        if name in texts:
            return f"({of_row(row, texts[name], names)})"
        return f"{row}.{quote(name)}"

    texts = dict(computed)
    return respelled(expression, names, spell)


def computed_columns(catalog: Catalog, table: Table) -> tuple[tuple[str, str], ...]:
    """Return the generated columns of a table with their expressions."""
    places = (table.address._replace(kind="column", part=name) for name in table.columns)
    columns = (catalog.objects.get(place) for place in places)
    return tuple(
        (column.name, column.default)
        for column in columns
        if isinstance(column, Column) and column.generated and column.default
    )
