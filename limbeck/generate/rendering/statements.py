"""SQL in a revision, for statements that Alembic has no operation for."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from limbeck.models.source.text import Source, call, escaped, literal

DEDENT = "from textwrap import dedent"
_LONGEST = 80  # characters of SQL on a line: 100 without the indentation and the quotes
_TRAILING_BLANK = re.compile(r" $", re.MULTILINE)


def execute(sql: str) -> Source:
    """Return a call of op.execute that sends exactly this SQL.

    Every line break and blank matters inside a function's body. SQL of several lines is wrapped in
    dedent(), so that it is the same however deep Alembic or a formatter indents the block. The line
    breaks before and after the SQL are not part of the statement.
    """
    sql = escaped(sql)
    if "\n" not in sql:
        return call("op.execute", [literal(sql)]) if len(sql) <= _LONGEST else _lines(_wrap(sql))
    if not _survives_dedent(sql):
        return _lines(sql.splitlines(keepends=True))
    raw = "r" if "\\" in sql else ""
    body = textwrap.indent(sql, " " * 8)
    return Source(f'op.execute(\n    dedent({raw}"""\n{body}\n        """)\n)', frozenset({DEDENT}))


def _survives_dedent(sql: str) -> bool:
    # Alembic strips blanks at the end of lines when it indents a block, and dedent() strips those
    # of blank lines. Editors convert or strip tabs and other white space.
    plain = all(line.isprintable() for line in sql.split("\n"))
    return plain and not (sql[0].isspace() or _TRAILING_BLANK.search(sql) or '"""' in sql)


def _wrap(sql: str) -> list[str]:
    lines = [""]
    for word in re.findall(r"\S+\s*|\s+", sql):
        if lines[-1] and len(lines[-1]) + len(word) > _LONGEST:
            lines.append("")
        lines[-1] += word
    return lines


def _lines(texts: Iterable[str]) -> Source:
    return Source("op.execute(\n    " + "\n    ".join(map(literal, texts)) + "\n)")
