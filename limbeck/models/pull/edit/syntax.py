"""Edits of a module's text at the positions of its syntax tree, for the rest of this package.

Text that is not edited keeps every byte. `ast` knows positions but neither comments nor spacing,
so a change is a replacement of a range of the text. LibCST knows all three, but parsing 1,000
classes takes it twelve times as long.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import field
from typing import TypeAlias

from limbeck.dataclass import dataclass

Node: TypeAlias = "ast.expr | ast.stmt | ast.keyword | ast.alias"
Container: TypeAlias = "ast.Call | ast.Tuple | ast.List | ast.ImportFrom"


@dataclass(frozen=True, slots=True)
class Edit:
    """A text that replaces the range between two offsets; equal offsets insert it."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """The text of a module, its tree, and the offsets at which its lines start."""

    text: str
    tree: ast.Module
    starts: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> Parsed:
        """Parse a module whose lines end in line feeds."""
        starts = [0]
        # Not splitlines(): it also splits at form feeds and the like, where ast does not.
        for line in text.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        return cls(text, ast.parse(text), tuple(starts))

    def start(self, node: Node) -> int:
        """Return the offset at which a node begins."""
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: Node) -> int:
        """Return the offset behind a node."""
        return self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def source(self, node: Node) -> str:
        """Return the text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def line_start(self, offset: int) -> int:
        """Return the offset at which the line around an offset begins."""
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """Return the offset at which the next line begins."""
        newline = self.text.find("\n", offset)
        return len(self.text) if newline < 0 else newline + 1

    def indent(self, offset: int) -> str:
        """Return the white space at the beginning of the line around an offset."""
        line = self.text[self.line_start(offset) : self.line_end(offset)]
        return line[: len(line) - len(line.lstrip())]

    def _offset(self, line: int, column: int) -> int:
        # ast counts columns in bytes of UTF-8, str in code points.
        start = self.starts[line - 1]
        text = self.text[start : self.starts[line] - 1]
        return start + len(text.encode()[:column].decode())


def applied(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with all edits applied; insertions at one offset keep their order."""
    parts: list[str] = []
    position = 0
    # An insertion sorts before a removal that starts at the same offset, so it is not lost.
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        parts += [text[position : edit.start], edit.text]
        # Removals may overlap: one element's lines, and the rest of the list around them.
        position = max(position, edit.end)
    return "".join([*parts, text[position:]])


def without(parsed: Parsed, statement: ast.stmt) -> Edit:
    """Return the edit that removes a statement with its lines."""
    start = parsed.line_start(parsed.start(statement))
    end = parsed.line_end(parsed.end(statement))
    if parsed.text[:start].endswith("\n\n") and parsed.text[end:].startswith("\n"):
        end += 1  # otherwise two blank lines would remain
    return Edit(start, end, "")


def after(parsed: Parsed, statement: ast.stmt, text: str) -> Edit:
    """Return the edit that inserts a statement (of one line) below another."""
    place = parsed.line_end(parsed.end(statement))
    indent = parsed.indent(parsed.start(statement))
    # The last line of a file may lack its line feed.
    ended = place == 0 or parsed.text[place - 1] == "\n"
    return Edit(place, place, f"{'' if ended else chr(10)}{indent}{text}\n")


def before(parsed: Parsed, statement: ast.stmt, text: str) -> Edit:
    """Return the edit that inserts a statement (of one line) above another and its comments."""
    place = parsed.line_start(parsed.start(statement))
    indent = parsed.indent(place)
    while parsed.text[(line := parsed.line_start(max(place - 1, 0))) : place].lstrip()[:1] == "#":
        place = line
    return Edit(place, place, f"{indent}{text}\n")


@dataclass(slots=True)
class Changes:
    """Changes to the elements of one call, tuple, list or import.

    `positional` precede keyword arguments (in a tuple: the options at its end), `keywords` come
    last, `below` follow a certain element.
    """

    removed: list[Node] = field(default_factory=list)
    replaced: dict[Node, str] = field(default_factory=dict)
    positional: list[str] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)
    below: dict[Node, list[str]] = field(default_factory=dict)


def element_edits(parsed: Parsed, container: Container, changes: Changes) -> Iterator[Edit]:
    """Yield the edits that change the elements between the brackets of a container."""
    elements = _Elements.of(parsed, container)
    for node, text in changes.replaced.items():
        yield Edit(parsed.start(node), parsed.end(node), text)
    for node, texts in changes.below.items():
        yield elements.insert_after(node, texts)
    yield from elements.removals(changes.removed)
    rest = [node for node in elements.nodes if node not in changes.removed]
    late = next((node for node in rest if _is_late(container, node)), None)
    if late is not None and changes.positional:
        yield elements.insert_before(late, changes.positional)
    added = [*([] if late is not None else changes.positional), *changes.keywords]
    if added and rest:
        yield elements.insert_after(rest[-1], added)
    elif added:
        # One element makes a tuple only with a comma.
        comma = "," * (isinstance(container, ast.Tuple) and len(added) == 1)
        yield Edit(elements.end, elements.end, ", ".join(added) + comma)
    elif isinstance(container, ast.Tuple) and len(rest) == 1:
        yield from elements.single(rest[0])


def _is_late(container: Container, node: Node) -> bool:
    """Return whether positional elements have to precede an element."""
    options = isinstance(node, ast.Dict) and isinstance(container, ast.Tuple)
    return options or isinstance(node, ast.keyword)


@dataclass(frozen=True, slots=True)
class _Elements:
    """The elements between two brackets; `end` is the offset of the closing one."""

    parsed: Parsed
    nodes: tuple[Node, ...]
    end: int

    @classmethod
    def of(cls, parsed: Parsed, container: Container) -> _Elements:
        nodes: Iterable[Node]
        if isinstance(container, ast.Call):
            # ast has keywords apart, but f(*a, b=1, *c) mixes them.
            nodes = sorted([*container.args, *container.keywords], key=parsed.start)
        else:
            nodes = container.names if isinstance(container, ast.ImportFrom) else container.elts
        return cls(parsed, tuple(nodes), parsed.end(container) - 1)

    def insert_before(self, node: Node, texts: Sequence[str]) -> Edit:
        start = self.parsed.start(node)
        glue = f",\n{self.parsed.indent(start)}" if self._starts_line(node) else ", "
        return Edit(start, start, "".join(f"{text}{glue}" for text in texts))

    def insert_after(self, node: Node, texts: Sequence[str]) -> Edit:
        indent = self.parsed.indent(self.parsed.start(node))
        if lines := self._lines(node):
            # Below the comment behind its comma, which belongs to the element.
            return Edit(lines[1], lines[1], "".join(f"{indent}{text},\n" for text in texts))
        glue = f",\n{indent}" if self._starts_line(node) else ", "
        end = self.parsed.end(node)
        return Edit(end, end, "".join(f"{glue}{text}" for text in texts))

    def removals(self, removed: Collection[Node]) -> Iterator[Edit]:
        rest = [node for node in self.nodes if node not in removed]
        for number, node in enumerate(self.nodes):
            if node not in removed:
                continue
            if lines := self._lines(node):
                yield Edit(*lines, "")
            elif any(later in rest for later in self.nodes[number:]):
                yield Edit(self.parsed.start(node), self.parsed.start(self.nodes[number + 1]), "")
            else:
                # All that follows is removed: so is the comma in front of it.
                last = self.nodes[-1]
                start = self.parsed.end(rest[-1]) if rest else self.parsed.start(node)
                yield Edit(start, self._comma(last) or self.parsed.end(last), "")
                return

    def single(self, node: Node) -> Iterator[Edit]:
        """Yield the comma that a single element of a tuple needs, if it has none or loses it."""
        later = self.nodes[self.nodes.index(node) + 1 :]
        if self._comma(node) is None or not all(map(self._lines, later)):
            yield Edit(self.parsed.end(node), self.parsed.end(node), ",")

    def _starts_line(self, node: Node) -> bool:
        start = self.parsed.start(node)
        return not self.parsed.text[self.parsed.line_start(start) : start].strip()

    def _lines(self, node: Node) -> tuple[int, int] | None:
        """Return the range of the lines that hold an element, its comma and nothing else."""
        comma = self._comma(node)
        if comma is None or not self._starts_line(node):
            return None
        end = self.parsed.line_end(comma)
        rest = self.parsed.text[comma:end].strip()
        only = not rest or rest.startswith("#")
        return (self.parsed.line_start(self.parsed.start(node)), end) if only else None

    def _comma(self, node: Node) -> int | None:
        """Return the offset behind the comma that follows an element, None without one."""
        # ast has no commas. Between an element and its comma stand white space, comments and the
        # closing parentheses that ast leaves out of a node: f((a), b).
        text, position = self.parsed.text, self.parsed.end(node)
        while position < self.end:
            if text[position] == "#":
                position = text.find("\n", position)
            elif text[position] == ",":
                return position + 1
            elif not text[position].isspace() and text[position] != ")":
                return None
            position += 1
        return None
