"""Pieces of Python source, and the quoting that they need."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

SQLALCHEMY = "import sqlalchemy as sa"
POSTGRESQL = "from sqlalchemy.dialects import postgresql"

# What sqlalchemy.text() takes for a bound parameter, and for an escaped colon
# (TextClause._bind_params_regex and compiler.BIND_PARAMS_ESC of SQLAlchemy 2.1).
_BOUND = re.compile(r"(?<![:\w\x5c]):(\w+)(?![:\w])")
_ESCAPED = re.compile(r"\x5c(:\w*)(?![:\w])")
_LONGEST_NAME = 63  # bytes: NAMEDATALEN - 1
_SIMPLE_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Source:
    """An expression in Python, and the whole import lines that it needs."""

    text: str
    imports: frozenset[str] = frozenset()


Argument: TypeAlias = Source | str


def call(function: str, arguments: Iterable[Argument], *imports: str) -> Source:
    """Return the source of a call; the arguments are sources or plain text."""
    given = [one if isinstance(one, Source) else Source(one) for one in arguments]
    text = ", ".join(one.text for one in given)
    return Source(f"{function}({text})", frozenset(imports).union(*(one.imports for one in given)))


def keyword(name: str, value: Argument) -> Source:
    """Return the source of a keyword argument."""
    if isinstance(value, str):
        return Source(f"{name}={value}")
    return Source(f"{name}={value.text}", value.imports)


def literal(text: str) -> str:
    """Return a Python string literal, in double quotes where that needs no escape."""
    if '"' in text:
        return repr(text)
    return '"' + repr("'" + text)[2:]  # a quote in front makes repr choose double quotes


def literals(texts: Iterable[str]) -> str:
    """Return a Python list of string literals."""
    return f"[{', '.join(literal(text) for text in texts)}]"


def escaped(sql: str) -> str:
    r"""Return SQL as sqlalchemy.text() wants it: a colon before a word is written \:."""
    return _BOUND.sub(r"\\:\1", _ESCAPED.sub(r"\\\\\1", sql))


def text(sql: str) -> Source:
    """Return the source of sa.text(...) that renders exactly this SQL."""
    return call("sa.text", [literal(escaped(sql))], SQLALCHEMY)


def identifier(name: str) -> str:
    """Return a name quoted for SQL, where it has to be."""
    from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS  # noqa: PLC0415 - slow

    if _SIMPLE_NAME.fullmatch(name) and name not in RESERVED_WORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def names(qualified: str) -> tuple[str, ...]:
    """Take `public."My type"` apart into its names."""
    found = re.findall(r'"((?:[^"]|"")*)"|([^".]+)', qualified)
    return tuple(quoted.replace('""', '"') if quoted else plain for quoted, plain in found)


def unwrapped(expression: str) -> str:
    """Return an expression as Postgres spelled it without its outermost parentheses."""
    if not (expression.startswith("(") and expression.endswith(")")):
        return expression
    # Postgres doubles the quotes inside a literal, and writes no dollar quotes in expressions.
    bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", "", expression)
    return expression[1:-1] if _balanced(bare[1:-1]) else expression


def _balanced(inner: str) -> bool:
    depth = 0
    for character in inner:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0


def implicit_name(table: str, column: str, label: str) -> str:
    """Return the name that Postgres makes (makeObjectName in indexcmds.c), cut to 63 bytes."""
    parts = [table.encode(), column.encode()]
    room = _LONGEST_NAME - len(label.encode()) - 2
    while sum(map(len, parts)) > room:
        longest = 0 if len(parts[0]) > len(parts[1]) else 1
        parts[longest] = parts[longest][:-1]
    first, second = (part.decode(errors="ignore") for part in parts)
    return f"{first}_{second}_{label}"
