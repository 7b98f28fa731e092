"""Answers as a terminal shows them: wrapped to its width, in colours, as tables.

Only a command with a terminal imports this module, and with it Rich, which takes 0.1 s.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pygments.token import Comment, Keyword, Literal, Name, Number, String
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax
from rich.table import Table as RichTable
from rich.text import Text

from limbeck.cli.screen import Screen
from limbeck.output.marks import Answer, Line, Meaning, Span, Sql, Table

UNWRAPPED: Final = 100_000
SHORT: Final = 20
"""Cells that are not longer stay on one line, such as ids and times."""

# The colours of 256 are those whose contrast is four or more on white and on black. A terminal of
# 16 has its own idea of them, which suits its background.
GREEN: Final = {16: "green", 256: "color(28)"}
RED: Final = {16: "red", 256: "color(160)"}
ORANGE: Final = {16: "yellow", 256: "color(130)"}
BLUE: Final = {16: "", 256: "color(63)"}
PURPLE: Final = {16: "magenta", 256: "color(164)"}
TEAL: Final = {16: "cyan", 256: "color(30)"}

Colour = Mapping[int, str]
MEANINGS: Final[Mapping[Meaning, tuple[str, Colour | None]]] = {
    "added": ("", GREEN),
    "removed": ("", RED),
    "changed": ("", ORANGE),
    "error": ("bold", RED),
    "warning": ("bold", ORANGE),
    "info": ("bold", BLUE),
    "good": ("", GREEN),
    "pending": ("bold", ORANGE),
    "protected": ("bold", PURPLE),
    "heading": ("bold", None),
    "command": ("", TEAL),
    "code": ("", None),
}
# A command in a sentence is not broken, so that it can be copied; nor is a word.
_WORDS: Final = re.compile(r"`[^`\n]*`\S*|\S+")
_COMMANDS: Final = re.compile(r"`[^`\n]*`")
_MARGIN: Final = re.compile(r" *")
_TRAILING: Final = re.compile(r" +((?:\x1b\[[0-9;]*m)*)$", re.MULTILINE)


def drawn(text: str, screen: Screen, *, safe: Callable[[str], str]) -> str:
    """Return an answer as a terminal shows it, with the escape sequences of its colours.

    Args:
        text: The answer, with marks.
        screen: What the terminal can show.
        safe: Masks passwords, and makes control characters visible.

    """
    console = Console(
        file=io.StringIO(),
        force_terminal=True,
        color_system={0: None, 16: "standard", 256: "256"}[screen.colours],
        no_color=False,
        width=screen.width or UNWRAPPED,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as capture:
        for block in _blocks(text, safe):
            # A word that is too long is wrapped by the terminal itself, which can copy it whole.
            console.print(_shape(block, screen), soft_wrap=not isinstance(block, Table))
    return _TRAILING.sub(r"\1", capture.get()).removesuffix("\n")


def style(meaning: Meaning, colours: int) -> str:
    """Return how a terminal of so many colours shows a meaning, in Rich's words."""
    weight, colour = MEANINGS[meaning]
    return f"{weight} {colour[colours] if colour and colours else ''}".strip()


def _blocks(text: str, safe: Callable[[str], str]) -> Iterator[str]:
    """Yield the blocks of an answer; what has a secret in it loses its marks.

    A secret may begin in one part of a line and end in the next, so parts are not masked one by
    one, nor blocks, if that shows more than the whole.
    """
    blocks = list(_flat(text))
    masked = [block if (as_safe := safe(block)) == block else as_safe for block in blocks]
    whole = safe("\n".join(blocks))
    yield from masked if "\n".join(masked) == whole else [whole]


def _flat(text: str) -> Iterator[str]:
    if isinstance(text, Answer):
        for block in text.blocks:
            yield from _flat(block)
    else:
        yield text


def _shape(block: str, screen: Screen) -> RenderableType:
    if isinstance(block, Table):
        return _table(block, screen)
    if isinstance(block, Sql):
        return _sql(block, screen)
    if isinstance(block, Span):
        return _text(block, screen)
    lines = [block] if isinstance(block, Line) else block.split("\n")
    return Text("\n").join(_wrapped(_text(line, screen), screen.width) for line in lines)


def _text(part: str, screen: Screen) -> Text:
    """Return a part of a line with the styles of its marks."""
    if isinstance(part, Line):
        return Text("").join(_text(each, screen) for each in part.parts)
    if isinstance(part, Span):
        return _styled(part, style(part.meaning, screen.colours))
    text = Text(part)
    if part.lstrip().startswith("limbeck "):
        text.stylize(style("command", screen.colours), len(part) - len(part.lstrip()))
    for match in _COMMANDS.finditer(part):
        text.stylize(style("command", screen.colours), *match.span())
    return text


def _styled(text: str, words: str) -> Text:
    """Return a text in a style that ends with it: what fills up a cell has none."""
    styled = Text(text)
    styled.stylize(words)
    return styled


def _wrapped(text: Text, width: int) -> Text:
    """Return a line broken between words, what follows indented two spaces more than its start."""
    plain = text.plain
    margin = len(_MARGIN.match(plain)[0])  # type: ignore[index]
    if not width or cell_len(plain) <= width or plain.lstrip().startswith("limbeck "):
        return text
    first, *others = text.divide(list(_breaks(plain, width, margin + 2)))
    for line in (first, *others):
        line.rstrip()
    return Text(f"\n{'':{margin + 2}}").join([first, *others])


def _breaks(plain: str, width: int, margin: int) -> Iterator[int]:
    """Yield the places of the words that begin a new line."""
    start, end, indent = 0, 0, 0
    for word in _WORDS.finditer(plain):
        if end and indent + cell_len(plain[start : word.end()]) > width:
            yield word.start()
            start, indent = word.start(), margin
        end = word.end()


def _sql(sql: Sql, screen: Screen) -> Text:
    text = _highlighted(sql.source.expandtabs(4), screen)
    lines = text.split("\n", allow_blank=True) if sql.source else [Text("")]
    return Text("\n").join(Text(" " * sql.indent).append_text(line) for line in lines)


def _highlighted(source: str, screen: Screen) -> Text:
    if not screen.colours:
        return Text(source)
    colours = {name: Style.parse(value) for name, value in _sql_styles(screen.colours).items()}
    theme = ANSISyntaxTheme(
        {
            Comment: colours["comment"],
            Keyword: colours["keyword"],
            Name.Builtin: colours["keyword"],
            Number: colours["number"],
            Literal.Number: colours["number"],
            String: colours["string"],
            Literal.String: colours["string"],
            String.Name: Style.null(),  # a name in double quotes
        }
    )
    text = Syntax("", "postgres", theme=theme).highlight(source)
    text.rstrip()
    # Pygments takes the dot of a qualified name for a number.
    text.spans = [span for span in text.spans if text.plain[span.start : span.end] != "."]
    return text


def _sql_styles(colours: int) -> dict[str, str]:
    return {
        "comment": "italic",
        "keyword": f"bold {BLUE[colours]}",
        "number": TEAL[colours],
        "string": GREEN[colours],
    }


def _table(table: Table, screen: Screen) -> RichTable:
    columns = list(zip(table.headers, *table.rows, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    firm = [width <= SHORT for width in widths]
    least = sum(width if stays else SHORT for width, stays in zip(widths, firm, strict=True))
    fits = least + 2 * len(columns) <= (screen.width or UNWRAPPED)
    drawing = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for header, stays in zip(table.headers, firm, strict=True):
        drawing.add_column(_styled(header, "bold"), no_wrap=stays and fits, overflow="fold")
    for row in table.rows:
        drawing.add_row(*(_text(cell, screen) for cell in row))
    return drawing
