"""Edits of Python source by the places of its syntax tree; what is not edited stays as it is."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Node: TypeAlias = "ast.expr | ast.stmt | ast.keyword"


@dataclass(frozen=True, slots=True)
class Edit:
    """Text that takes the place of what is between two offsets."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """A module's text with its tree, and where its lines start."""

    text: str
    tree: ast.Module
    starts: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> Parsed:
        """Parse a module whose lines end in line feeds."""
        starts = [0]
        for line in text.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        return cls(text, ast.parse(text), tuple(starts))

    def start(self, node: Node) -> int:
        """Return where a node begins."""
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: Node) -> int:
        """Return where a node ends."""
        return self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def source(self, node: Node) -> str:
        """Return the text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def line_start(self, offset: int) -> int:
        """Return where the line begins that an offset is in."""
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """Return where the line after that of an offset begins."""
        found = self.text.find("\n", offset)
        return len(self.text) if found < 0 else found + 1

    def indent(self, offset: int) -> str:
        """Return the white space that the line of an offset begins with."""
        line = self.text[self.line_start(offset) : self.line_end(offset)]
        return line[: len(line) - len(line.lstrip())]

    def _offset(self, line: int, column: int) -> int:
        # The tree counts columns in bytes of UTF-8.
        start = self.starts[line - 1]
        text = self.text[start : self.starts[line] - 1]
        return start + len(text.encode()[:column].decode())


def applied(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with all edits made; insertions at one place keep their order."""
    made: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda one: (one.start, one.end)):
        made += [text[at : edit.start], edit.text]
        at = max(at, edit.end)
    return "".join([*made, text[at:]])


def without(parsed: Parsed, statement: ast.stmt) -> Edit:
    """Return the edit that removes a statement with its lines."""
    start = parsed.line_start(parsed.start(statement))
    end = parsed.line_end(parsed.end(statement))
    before, after = parsed.text[:start], parsed.text[end:]
    if before.endswith("\n\n") and after.startswith("\n"):
        end += 1
    return Edit(start, end, "")


def after(parsed: Parsed, statement: ast.stmt, text: str) -> Edit:
    """Return the edit that puts a statement (of one line) below another."""
    place = parsed.line_end(parsed.end(statement))
    indent = parsed.indent(parsed.start(statement))
    ended = place == 0 or parsed.text[place - 1] == "\n"
    return Edit(place, place, f"{'' if ended else chr(10)}{indent}{text}\n")


@dataclass(frozen=True, slots=True)
class Elements:
    """What stands between brackets, separated by commas: of a call, a tuple, a list.

    `end` is the offset of the closing bracket.
    """

    nodes: tuple[Node, ...]
    end: int

    @classmethod
    def of_call(cls, parsed: Parsed, call: ast.Call) -> Elements:
        """Return the arguments of a call."""
        given: list[Node] = [*call.args, *call.keywords]
        return cls(tuple(sorted(given, key=parsed.start)), parsed.end(call) - 1)

    @classmethod
    def of_display(cls, parsed: Parsed, node: ast.Tuple | ast.List) -> Elements:
        """Return the elements of a tuple or list."""
        return cls(tuple(node.elts), parsed.end(node) - 1)


def changed(  # noqa: PLR0913 - what can happen to elements
    parsed: Parsed,
    elements: Elements,
    *,
    removed: Collection[Node] = (),
    replaced: Mapping[Node, str] | None = None,
    added: Sequence[str] = (),
    inserted: Sequence[str] = (),
    below: Mapping[Node, Sequence[str]] | None = None,
    before: Node | None = None,
    single: bool = False,
) -> Iterator[Edit]:
    """Yield the edits that change what stands between brackets.

    Args:
        parsed: the module.
        elements: all that stand there.
        removed: those that go.
        replaced: those that are another text then.
        added: new ones, at the end.
        inserted: new ones that come before the element `before`.
        before: that element.
        below: new ones that come after an element.
        single: whether one that is left alone needs its comma, as in a tuple.

    """
    for node, text in (replaced or {}).items():
        yield Edit(parsed.start(node), parsed.end(node), text)
    for node, texts in (below or {}).items():
        yield from _below(parsed, elements, node, texts)
    kept = [node for node in elements.nodes if node not in removed]
    yield from _removals(parsed, elements, removed, kept)
    last = kept[-1] if kept else None
    comma = _comma(parsed.text, parsed.end(last), elements.end) if last else None
    if inserted:
        yield from _additions(parsed, elements, list(inserted), before, is_before=True)
    if added:
        yield from _additions(parsed, elements, list(added), last, is_before=False)
    elif single and len(kept) == 1 and last is not None and (removed or comma is None):
        trailing = any(node in removed for node in elements.nodes[elements.nodes.index(last) :])
        if comma is None or trailing:
            yield Edit(parsed.end(last), parsed.end(last), ",")


def _below(parsed: Parsed, elements: Elements, node: Node, texts: Sequence[str]) -> Iterator[Edit]:
    indent = parsed.indent(parsed.start(node))
    if lines := _own_lines(parsed, node, elements.end):
        yield Edit(lines[1], lines[1], "".join(f"{indent}{text},\n" for text in texts))
        return
    start = parsed.line_start(parsed.start(node))
    alone = not parsed.text[start : parsed.start(node)].strip()
    glue = f",\n{indent}" if alone else ", "
    yield Edit(parsed.end(node), parsed.end(node), "".join(f"{glue}{text}" for text in texts))


def _removals(
    parsed: Parsed, elements: Elements, removed: Collection[Node], kept: Sequence[Node]
) -> Iterator[Edit]:
    nodes = elements.nodes
    for number, node in enumerate(nodes):
        if node not in removed:
            continue
        if lines := _own_lines(parsed, node, elements.end):
            yield Edit(*lines, "")
        elif any(one in kept for one in nodes[number:]):
            yield Edit(parsed.start(node), parsed.start(nodes[number + 1]), "")
        else:
            # The rest goes: so does the comma in front of it.
            previous = [one for one in nodes[:number] if one in kept]
            start = parsed.end(previous[-1]) if previous else parsed.start(node)
            end = _comma(parsed.text, parsed.end(nodes[-1]), elements.end) or parsed.end(nodes[-1])
            yield Edit(start, end if not previous else parsed.end(nodes[-1]), "")
            return


def _own_lines(parsed: Parsed, node: Node, limit: int) -> tuple[int, int] | None:
    start = parsed.line_start(parsed.start(node))
    comma = _comma(parsed.text, parsed.end(node), limit)
    if parsed.text[start : parsed.start(node)].strip() or comma is None:
        return None
    end = parsed.line_end(comma)
    rest = parsed.text[comma:end].strip()
    return (start, end) if not rest or rest.startswith("#") else None


def _additions(
    parsed: Parsed, elements: Elements, added: list[str], anchor: Node | None, *, is_before: bool
) -> Iterator[Edit]:
    joined = ", ".join(added)
    if anchor is None:
        yield Edit(elements.end, elements.end, joined)
        return
    own_line = not parsed.text[
        parsed.line_start(parsed.start(anchor)) : parsed.start(anchor)
    ].strip()
    indent = parsed.indent(parsed.start(anchor))
    if is_before:
        text = "".join(f"{one},\n{indent}" if own_line else f"{one}, " for one in added)
        yield Edit(parsed.start(anchor), parsed.start(anchor), text)
        return
    comma = _comma(parsed.text, parsed.end(anchor), elements.end)
    if comma is None:
        text = "".join(f",\n{indent}{one}" if own_line else f", {one}" for one in added)
        yield Edit(parsed.end(anchor), parsed.end(anchor), text)
    elif own_line and _own_lines(parsed, anchor, elements.end):
        place = parsed.line_end(comma)
        yield Edit(place, place, "".join(f"{indent}{one},\n" for one in added))
    else:
        yield Edit(comma, comma, f" {joined},")


def _comma(text: str, start: int, limit: int) -> int | None:
    """Return the offset behind the comma that follows, None where there is none."""
    while start < limit:
        if text[start] == "#":
            start = text.find("\n", start)
        elif text[start] == ",":
            return start + 1
        elif not text[start].isspace() and text[start] != ")":
            return None
        start += 1
    return None
