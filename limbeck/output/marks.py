"""Text that knows what its parts mean: plain in a pipe, drawn by `cli/drawing.py` on a terminal.

Each value is a string, and its text is what a pipe gets. So a renderer writes its answer once, and
where a text is put into a larger string, only its meaning is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, Self, TypeAlias

from limbeck.output.tables import table

Meaning: TypeAlias = Literal[
    "added",
    "removed",
    "changed",
    "error",
    "warning",
    "info",
    "good",
    "pending",
    "protected",
    "heading",
    "command",
    "code",
]

MOST: Final = 20
"""Lines of one kind that an answer shows."""


class Span(str):  # noqa: SLOT000 - a string with a field
    """A text with a meaning."""

    meaning: Meaning

    def __new__(cls, text: str, meaning: Meaning) -> Self:
        """Return the text with its meaning."""
        self = super().__new__(cls, text)
        self.meaning = meaning
        return self


class Line(str):  # noqa: SLOT000 - a string with a field
    """A line of parts, some of which have a meaning."""

    parts: tuple[str, ...]

    def __new__(cls, *parts: str) -> Self:
        """Return the line of its parts."""
        self = super().__new__(cls, "".join(parts))
        self.parts = parts
        return self


class Sql(str):  # noqa: SLOT000 - a string with a field
    """Statements of SQL, each of their lines indented."""

    source: str
    indent: int

    def __new__(cls, source: str, indent: int = 0) -> Self:
        """Return the statements with their lines indented."""
        margin = " " * indent
        lines = (f"{margin}{line}".rstrip() for line in source.splitlines())
        self = super().__new__(cls, "\n".join(lines))
        self.source, self.indent = source, indent
        return self


class Table(str):  # noqa: SLOT000 - a string with fields
    """Rows below headers, in aligned columns."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __new__(cls, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Self:
        """Return the table of headers and rows."""
        cells = tuple(tuple(row) for row in rows)
        self = super().__new__(cls, table(headers, cells))
        self.headers, self.rows = tuple(headers), cells
        return self


class Answer(str):  # noqa: SLOT000 - a string with a field
    """A text of blocks, one below the other: lines, tables, statements, other answers."""

    blocks: tuple[str, ...]

    def __new__(cls, blocks: Iterable[str]) -> Self:
        """Return the text of the blocks."""
        parts = tuple(blocks)
        self = super().__new__(cls, "\n".join(parts))
        self.blocks = parts
        return self


class Many(Answer):
    """Lines of which the first are shown, with the number of the others; --all shows those, too."""

    lines: tuple[str, ...]

    def __new__(cls, lines: Iterable[str], indent: int = 0) -> Self:
        """Return the first of the lines; `indent` is that of the line about the others."""
        every = tuple(lines)
        more = len(every) - MOST
        rest = [f"{'':{indent}}... and {more:,} more; --all shows them"] if more > 0 else []
        self = super().__new__(cls, [*every[:MOST], *rest])
        self.lines = every
        return self


def whole(text: str) -> str:
    """Return an answer with all lines, as --all shows it."""
    if isinstance(text, Many):
        return Answer(map(whole, text.lines))
    return Answer(map(whole, text.blocks)) if isinstance(text, Answer) else text


def sections(parts: Iterable[str]) -> Answer:
    """Return an answer with an empty line between its parts."""
    blocks: list[str] = []
    for part in parts:
        blocks += [*([""] if blocks else []), part]
    return Answer(blocks)
