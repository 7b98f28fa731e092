"""Split SQL into tokens as Postgres' own lexer (scan.l) does; every room that reads SQL calls this.

Strings are read with standard_conforming_strings on, the default since Postgres 9.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, Literal, TypeAlias

from limbeck.schema.sql.quoting import content, unquote

Kind: TypeAlias = Literal[
    "space", "comment", "word", "name", "string", "body", "number", "mark", "sign"
]
"""`name` is an identifier in double quotes, `body` a string between dollar signs, `mark` one of
brackets, comma, semicolon and dot, `sign` an operator or what else is there."""
Token: TypeAlias = tuple[Kind, str, int]
"""The kind, the text as it is written, and where it begins; a named tuple would cost twice."""

_SPACE: Final = r"[ \t\n\r\f\v]"
# ident_start, ident_cont and dolq_cont: every byte above 127, even of a no-break space, belongs to
# an identifier. So they are all but some characters of ASCII; a range up to U+10FFFF would take
# fifteen times as long to compile, and every command that logs SQL would wait for it.
_LETTER: Final = r"[^\x00-@[-^`{-\x7f]"
_LETTER_OR_DIGIT: Final = r"[^\x00-/:-@[-^`{-\x7f]"
_WORD: Final = rf"(?![EeBbXxNn]'|[Uu]&['\"]){_LETTER}[^\x00-#%-/:-@[-^`{{-\x7f]*+"
# Only single characters repeat possessively: before 3.11.5, Python mismatches groups that do.
# A string continues after white space with a line break, and an E'' keeps its escapes there.
_CONTINUED: Final = rf"(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:{_SPACE}|--[^\n\r]*[\n\r])*(?=')"
_ESCAPED: Final = r"'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*(?:'|\\?\Z)"
_STRING: Final = (
    rf"[Ee]{_ESCAPED}(?:{_CONTINUED}{_ESCAPED})*"
    r"|(?:[BbXxNn]|[Uu]&)?'[^']*+(?:''[^']*+)*(?:'|\Z)"
)
_NAME: Final = r'(?:[Uu]&)?"[^"]*+(?:""[^"]*+)*(?:"|\Z)'
_BODY: Final = rf"\$(?P<tag>(?:{_LETTER}{_LETTER_OR_DIGIT}*+)?)\$.*?(?:\$(?P=tag)\$|\Z)"
_COMMENT: Final = r"--[^\n\r]*+|/\*[^*/]*+(?:(?:\*(?!/)|/(?!\*))[^*/]*+)*(?:\*/|\Z)"
_NESTED: Final = r"/\*"  # what _COMMENT does not match: no regular expression counts brackets
_NUMBER: Final = (
    r"0[xXoObB][0-9A-Fa-f_]++"
    r"|(?:[0-9][0-9_]*+(?:\.(?!\.)[0-9_]*+)?|\.[0-9][0-9_]*+)(?:[Ee][-+]?[0-9]++)?"
)
# An operator ends before a comment, and with + or - only where it has one of ~!@#%^&|`?.
_OPERATING: Final = r"(?:(?!--|/\*)[-+*/<>=~!@#%^&|`?])"
_OPERATOR: Final = rf"{_OPERATING}*[~!@#%^&|`?]{_OPERATING}*|{_OPERATING}*(?!/\*)[*/<>=]"
_MARK: Final = r"[][(),;]|\.(?![0-9.])"
_SIGN: Final = rf"::|\.\.|\$[0-9]++|{_OPERATOR}|[^ \t\n\r\f\v]"

_COMPOUND: Final = re.compile(r"\bATOMIC\b|\bRULE\b", re.IGNORECASE)
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")


@cache
def _token() -> re.Pattern[str]:
    """Return the expression of one token; compiled at its first use, for it takes milliseconds.

    A string, name, body or comment that is not closed reaches to the end of the text: Postgres
    refuses it, and no semicolon inside of it may be taken for the end of a statement.
    """
    # Words are tried first because most tokens are words, and white space is skipped here because
    # a search that fails at every blank takes twice as long.
    return re.compile(
        rf"{_SPACE}*+(?:(?P<word>{_WORD})|(?P<mark>{_MARK})|(?P<string>{_STRING})|(?P<name>{_NAME})"
        rf"|(?P<number>{_NUMBER})|(?P<comment>{_COMMENT})|(?P<nested>{_NESTED})|(?P<body>{_BODY})"
        rf"|(?P<sign>{_SIGN}))",
        re.DOTALL,
    )


@cache
def _piece() -> re.Pattern[str]:
    """Return the expression of a piece as long as possible, to find where statements end."""
    return re.compile(
        rf"(?P<code>(?:{_WORD}|[\x00-\x08\x0e-\x1f!#%&(-,:<-@[-^`{{-\x7f]++|[ ](?!{_SPACE})"
        # A number ends before a $, where a word does not: "1e3$$" opens a body.
        rf"|{_STRING}|{_NAME}|\.\.|{_NUMBER}|{_BODY}|-(?!-)|/(?!\*)|\.|\$)+)"
        rf"|(?P<comment>{_COMMENT})|(?P<nested>{_NESTED})|(?P<space>{_SPACE}++)|(?P<end>;)",
        re.DOTALL,
    )


def lex(sql: str) -> Iterator[Token]:
    """Yield every token of a text, comments and white space included; joined they are the text."""
    end = 0
    for token in _matches(_token(), sql):
        if token[2] > end:
            yield "space", sql[end : token[2]], end
        yield token
        end = token[2] + len(token[1])
    if end < len(sql):
        yield "space", sql[end:], end


def tokens(sql: str) -> list[Token]:
    """Return the tokens that mean something: no comments, no white space."""
    return [token for token in _matches(_token(), sql) if token[0] != "comment"]


def identifiers(sql: str) -> Iterator[str]:
    """Yield what may be a name: words as they are written, quoted names, also those in bodies."""
    for kind, text, _ in _matches(_token(), sql):
        if kind == "word":
            yield text
        elif kind == "name":
            yield unquote(text)
        elif kind == "body":
            yield from identifiers(content(text))


def words(sql: str) -> list[str]:
    """Return the tokens that mean something as texts, words in upper case."""
    return [text.upper() if kind == "word" else text for kind, text, _ in tokens(sql)]


def first_word(sql: str) -> str:
    """Return the word that a statement begins with, in upper case; "" where it begins with none."""
    for kind, text, _ in _matches(_token(), sql):
        if kind != "comment" and text != ";":
            return text.upper() if kind == "word" else ""
    return ""


def condensed(sql: str) -> str:
    """Return a statement without comments and the last semicolon, each white space a blank."""
    return "".join(_blank(kind, text) for kind, text, _ in _matches(_piece(), sql)).strip(" ;")


def statements(sql: str) -> list[str]:
    """Return the statements of a script, condensed, cut at the semicolons outside of quotes.

    A semicolon in a body after BEGIN ATOMIC, or between the actions of a rule, ends none.
    """
    parts = [""]
    for kind, text, _ in _matches(_piece(), sql):
        if kind == "end":
            parts.append("")
        else:
            parts[-1] += _blank(kind, text)
    whole = [text for part in parts if (text := part.strip(" ;"))]
    return list(_joined(whole)) if _COMPOUND.search(sql) else whole


def _joined(parts: list[str]) -> Iterator[str]:
    """Yield statements, of which some were cut inside of a body or between brackets."""
    begun = ""
    for part in parts:
        begun = f"{begun}; {part}" if begun else part
        if not _is_open(begun):
            yield begun
            begun = ""
    if begun:
        yield begun


def _is_open(statement: str) -> bool:
    """Return whether a part of CREATE FUNCTION or CREATE RULE lacks its end, by psql's rule."""
    read = words(statement)
    if read[:1] != ["CREATE"]:
        return False
    if "RULE" in read[1:4]:
        return read.count("(") > read.count(")")
    starts = [at for at, word in enumerate(read[:-1]) if read[at : at + 2] == ["BEGIN", "ATOMIC"]]
    body = read[starts[0] :] if starts else []
    return body.count("BEGIN") + body.count("CASE") > body.count("END")


def _blank(kind: str, text: str) -> str:
    return " " if kind in {"space", "comment"} else text


def _matches(pattern: re.Pattern[str], sql: str) -> Iterator[tuple[Any, str, int]]:
    begin = 0
    while begin < len(sql):  # once, and once more after each nested comment
        for match in pattern.finditer(sql, begin):
            kind: Any = match.lastgroup
            if kind == "nested":
                break
            yield kind, match[kind], match.start(kind)
        else:
            return
        begin = _end_of_comment(sql, match.start("nested"))
        yield "comment", sql[match.start("nested") : begin], match.start("nested")


def _end_of_comment(sql: str, start: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, start):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end()
    return len(sql)
