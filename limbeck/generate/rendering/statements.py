"""SQL in a revision, for what Alembic has no operation for."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from limbeck.models.source.text import Source, call, escaped, literal

DEDENT = "from textwrap import dedent"
_LONGEST = 80  # characters of SQL on a line: 100 without the indentation and the quotes
_TRAILING_BLANK = re.compile(r" $", re.MULTILINE)


def execute(sql: str) -> Source:
    """Return op.execute(...) that sends exactly this SQL.

    Every line break and blank matters inside a function's body. A text of several lines stands
    in dedent(), which does not mind how deep the block is indented; the line breaks at its two
    ends are outside the statement.
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
    # Alembic strips blanks at the end of lines when it indents a block, dedent() those of
    # blank lines; other white space than blanks is easily lost in an editor.
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
