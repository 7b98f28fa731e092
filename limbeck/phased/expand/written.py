"""Expressions that somebody has written (`--value`), made fit to stand in longer statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from limbeck.phased.expand.values import folded_word
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.sql.lexer import lex
from limbeck.schema.sql.quoting import content, quote, unquote


class _Piece(NamedTuple):
    """A token that means something, with the white space before it."""

    space: str
    kind: str
    text: str

    @property
    def name(self) -> str:
        """The name that it stands for, or its text if it is none."""
        if self.kind == "name":
            return unquote(self.text)
        return folded_word(self.text) if self.kind == "word" else self.text


def tidy(expression: str, table: Address) -> str:
    """Return an expression over a row of a table without what only stands where it was written.

    That are comments, a semicolon at the end, names with an escape sign of their own (UESCAPE), and
    the table's name before a column: the row of a trigger has another one.
    """
    pieces = list(_plain(list(_pieces(expression))))
    while pieces and pieces[-1].text == ";":
        pieces.pop()
    return "".join(piece.space + piece.text for piece in _unqualified(pieces, table)).strip()


def _pieces(expression: str) -> Iterator[_Piece]:
    space = ""
    for kind, text, _ in lex(expression):
        if kind in {"space", "comment"}:
            space += " " if kind == "comment" else text
        else:
            yield _Piece(space, kind, text)
            space = ""


def _plain(pieces: Sequence[_Piece]) -> Iterator[_Piece]:
    """Spell names out that have an escape sign of their own, as in U&"d!0061ta" UESCAPE '!'."""
    at = 0
    while at < len(pieces):
        piece, following = pieces[at], [each.name for each in pieces[at + 1 : at + 2]]
        at += 1
        if piece.kind == "name" and following == ["uescape"]:
            escape = content(pieces[at + 1].text) if at + 1 < len(pieces) else "\\"
            piece = piece._replace(text=quote(unquote(piece.text, escape)))
            at += 2
        yield piece


def _unqualified(pieces: Sequence[_Piece], table: Address) -> Iterator[_Piece]:
    at = 0
    while at < len(pieces):
        for own in ((table.schema, ".", table.name, "."), (table.name, ".")):
            part = pieces[at : at + len(own)]
            inside = at > 0 and pieces[at - 1].text == "."
            if not inside and tuple(each.name for each in part) == own:
                at += len(own)
                yield from (each._replace(space=part[0].space) for each in pieces[at : at + 1])
                break
        else:
            yield pieces[at]
        at += 1
