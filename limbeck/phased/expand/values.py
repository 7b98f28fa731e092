"""Values of columns in expressions: whether two differ, and whether a default can be told again."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.diff.casts import base, narrows
from limbeck.schema.sql.lexer import tokens
from limbeck.schema.sql.quoting import KEYWORDS, RESERVED, quote, unquote

# Types whose "=" is true for one value only. It is true for others in citext ('a' = 'A'), numeric
# (1.0 = 1.00), interval ('1 day' = '24 hours'), character; json, xml and point have none.
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
LITERAL = (
    r"""(?:E?'(?:[^'\\]|''|\\.)*'|-?[\d.]+|\(-[\d.]+\)|true|false|NULL)(?:::[\w ."()\[\],]+)?"""
)
# Of a clock that stands still while a statement runs.
CLOCK = r"(?:now\(\)|CURRENT_\w+(?:\(\d\))?|LOCALTIME\w*(?:\(\d\))?|statement_timestamp\(\))"
NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
# Types whose values are stored alike, to more room.
FREE = {("character varying", "text"), ("text", "character varying"), ("cidr", "inet")}
# Unreserved keywords inside of expressions, in capitals as Postgres deparses them: AT TIME ZONE.
PHRASES = frozenset(
    {"at", "zone", "local", "year", "month", "day", "hour", "minute", "second", "escape", "by"}
    | {"partition", "over", "filter", "within", "range", "rows", "groups", "unbounded", "preceding"}
    | {"following", "exclude", "others", "ties", "nulls", "first", "last", "json", "document"}
)
STEADY = re.compile(rf"\(?(?:{LITERAL}|{CLOCK})\)?(?:::[\w ]+)?")


def is_exact(column: Column) -> bool:
    """Tell whether two equal values of a column cannot be told apart."""
    return base(column.type) in EXACT and column.collation is None


def widens(before: Column, after: Column) -> bool:
    """Tell whether a type only gets room: nothing is rewritten, nothing is read.

    As ALTER TABLE finds out by itself: varchar_support() and numeric_support() in Postgres.
    """
    if before.collation != after.collation:
        return False
    old, new = base(before.type), base(after.type)
    if narrows(before.type, after.type):
        return False
    if old == new == "character varying" or (old, new) in FREE:
        return True
    found, wanted = NUMERIC.fullmatch(before.type), NUMERIC.fullmatch(after.type)
    if wanted is None:
        return found is not None and after.type == "numeric"
    return found is not None and found[2] == wanted[2] and int(found[1]) <= int(wanted[1])


def differ(one: str, other: str, *, exact: bool) -> str:
    """Spell that two values are not the same one, NULL being a value like others.

    record_image_ne(), the `*<>` of records, compares what is stored, byte by byte: Postgres
    manual, "Composite Type Comparison".
    """
    return (
        f"{one} IS DISTINCT FROM {other}" if exact else f"record_image_ne(ROW({one}), ROW({other}))"
    )


def is_steady(default: str) -> bool:
    """Tell whether a default has the same value each time that it is asked in one statement."""
    return STEADY.fullmatch(default) is not None


def respelled(expression: str, names: Collection[str], spell: Callable[[str], str]) -> str:
    """Return an expression over one row with its columns of these names spelled otherwise.

    Args:
        expression: as Postgres deparsed it, or as somebody wrote it: unquoted names are folded.
        names: the names of columns.
        spell: returns the text that stands for a column.

    """
    pieces, end = list[str](), 0
    found = tokens(expression)
    before = [("", ""), *((kind, text.lower()) for kind, text, _ in found)]
    after = [*before[2:], ("", "")]
    for (kind, text, start), last, following in zip(found, before[:-1], after, strict=True):
        name = _column(kind, text)
        if name in names and not _is_no_column(last, following):
            pieces += [expression[end:start], spell(name)]
            end = start + len(text)
    return "".join([*pieces, expression[end:]])


def _column(kind: str, text: str) -> str:
    """Return the name of the column that a token can be, "" for none."""
    if kind == "name":
        return unquote(text)
    folded = text.lower()
    keyword = folded in RESERVED or (text.isupper() and folded in KEYWORDS | PHRASES)
    return folded if kind == "word" and not keyword else ""


def _is_no_column(last: tuple[str, str], following: tuple[str, str]) -> bool:
    """Return whether a name is one of a function, a type, a field or an argument beside these."""
    return (
        last[1] in {".", "::", "as", "collate"}
        or following[1] in {"(", ".", "=>", ":="}
        or following[0] == "string"  # date '2026-01-01'
    )


def of_row(row: str, expression: str, names: Collection[str]) -> str:
    """Spell the columns in an expression as those of a row, such as NEW."""
    return respelled(expression, names, lambda name: f"{row}.{quote(name)}")
