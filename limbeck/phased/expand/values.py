"""Values of columns in expressions: whether two differ, and whether a default can be told again."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from limbeck.schema.catalog.names import quote
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.diff.casts import base, narrows
from limbeck.schema.renames.tokens import tokens

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
    """Spell the columns of these names anew in an expression over one row."""
    parts, place = [], 0
    found = list(tokens(expression))
    for number, (kind, name, start, end) in enumerate(found):
        follows = found[number + 1][1] if number + 1 < len(found) else ""
        before = found[number - 1][1] if number else ""
        if kind == "word" and name in names and follows not in {"(", "."} and before != ".":
            parts += [expression[place:start], spell(name)]
            place = end
    return "".join([*parts, expression[place:]])


def of_row(row: str, expression: str, names: Collection[str]) -> str:
    """Spell the columns in an expression as those of a row, such as NEW."""
    return respelled(expression, names, lambda name: f"{row}.{quote(name)}")
