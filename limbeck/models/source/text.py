"""Pieces of Python source with their imports, and literals of strings and SQL in them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from limbeck.dataclass import dataclass
from limbeck.schema.sql.lexer import tokens

SQLALCHEMY = "import sqlalchemy as sa"
POSTGRESQL = "from sqlalchemy.dialects import postgresql"

# What sqlalchemy.text() takes for a bound parameter, and for an escaped colon
# (TextClause._bind_params_regex and compiler.BIND_PARAMS_ESC of SQLAlchemy 2.1).
_BOUND = re.compile(r"(?<![:\w\x5c]):(\w+)(?![:\w])")
_ESCAPED = re.compile(r"\x5c(:\w*)(?![:\w])")


@dataclass(frozen=True, slots=True)
class Source:
    """An expression in Python, and the import lines that it needs."""

    text: str
    imports: frozenset[str] = frozenset()


Argument: TypeAlias = Source | str


def call(function: str, arguments: Iterable[Argument], *imports: str) -> Source:
    """Return the source of a call; its arguments are sources or plain text."""
    texts: list[str] = []
    needed = set(imports)
    for argument in arguments:
        if isinstance(argument, str):
            texts.append(argument)
        else:
            texts.append(argument.text)
            needed |= argument.imports
    return Source(f"{function}({', '.join(texts)})", frozenset(needed))


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
    r"""Return SQL for sqlalchemy.text(), where a colon before a word is written \:."""
    return _BOUND.sub(r"\\:\1", _ESCAPED.sub(r"\\\\\1", sql))


def text(sql: str) -> Source:
    """Return the source of sa.text(...) that renders exactly this SQL."""
    return call("sa.text", [literal(escaped(sql))], SQLALCHEMY)


def unwrapped(expression: str) -> str:
    """Return an expression as Postgres deparsed it without its outermost parentheses."""
    if not (expression.startswith("(") and expression.endswith(")")):
        return expression
    depth = 0
    for _, sign, start in tokens(expression):
        depth += (sign == "(") - (sign == ")")
        if not depth and start < len(expression) - 1:
            return expression
    return expression[1:-1]
