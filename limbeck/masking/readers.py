"""The two readers that look for passwords in a text; what either finds is masked.

One reads the text as SQL, with the rules of Postgres for strings, so that no spelling hides a
password. The other reads it as prose, in which an apostrophe opens no string: messages that quote a
statement, tracebacks, JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from limbeck.masking.signs import HIDING, MASK
from limbeck.schema.sql.lexer import Token, lex
from limbeck.schema.sql.quoting import content, unquote

Span: TypeAlias = tuple[int, int]
"""Where a secret begins and ends in a text, with its quotes if it has any."""

_NAME: Final = r"(?:password|passwd|passphrase|pwd|secret|secret_\w{0,20}key|api_?key)"
_NAMED: Final = re.compile(rf".*{_NAME}", re.IGNORECASE | re.DOTALL)
# Documents and hints write `user:password@`. The lengths are limited so that a long text without
# an @ takes no quadratic time.
_URL: Final = re.compile(r"\b\w+(?:\+\w+)?://[^\s:/@]*:(?!password@)(?P<secret>\S{0,2000})@")
# limbeck reads a bare space in the password of a URL as itself.
_SPACED_URL: Final = re.compile(
    r"\bpostgres(?:ql)?(?:\+\w+)?://[^\s:/@]*:(?!password@)(?P<secret>[^\n@]{0,2000})@"
)
# The value of a pair, without the brackets and commas of the text around it.
_VALUE: Final = r"""(?P<secret>'(?:\\.|[^'\\])*'|(?!')(?:[^\s&]*[^\s&'")\];,]|[^\s&]+))"""
_PAIR: Final = re.compile(rf"{_NAME}=(?![\"']?\*\*\*(?:\W|$)){_VALUE}", re.IGNORECASE | re.DOTALL)
# libpq allows spaces around the sign, but so do Python and SQL: only beside a pair of libpq's.
_SPACED_PAIR: Final = re.compile(
    rf"{_NAME}\s*=\s*(?![\"']?\*\*\*(?:\W|$)){_VALUE}", re.IGNORECASE | re.DOTALL
)
_CONNINFO: Final = re.compile(
    r"\b(?:host|hostaddr|port|user|dbname|service|sslmode|application_name)\s*=", re.IGNORECASE
)
# libpq cuts the line of an error on both sides; what is left of a string has no beginning.
_EXCERPT: Final = re.compile(r"^LINE \d+: (?P<secret>\.\.\..*)$", re.MULTILINE)
_COMMENT: Final = r"/\*(?:[^*/]|\*(?!/)|/(?!\*)|/\*(?:[^*]|\*(?!/))*\*/)*\*/"
# White space and comments, also where line breaks are spelled as in Python.
_GAP: Final = rf"(?:\s|\\[nrt]|--(?:[^\n\\]|\\(?!n))*(?:\n|\\n)|{_COMMENT})*"
# A password without quotes, which Postgres refuses and repeats.
_UNQUOTED: Final = re.compile(
    r"\b(?:alter|create)\s+(?:role|user|group)\b[^;]{0,500}?\bpassword"
    rf"{_GAP}(?<=[\s/])(?P<secret>(?!null\b|(?:[en]|u&)?['\"$\\])[^\s;'\"\\]+)",
    re.IGNORECASE,
)
# The name of a secret, with its closing quote as in JSON, up to the quote that opens the value.
_LABEL: Final = re.compile(
    rf"(?P<quote>\\{{0,8}}[\"'])?{_NAME}"
    rf"(?:(?P=quote)(?=\s*[:=])|\\*\"(?={_GAP}(?:[EN]|U&)?\\*'))?"
    rf"{_GAP}(?P<sign>(?::=|=>|[:=]|to\s){_GAP})?"
    r"(?P<opening>(?:[EN]|U&)?\\*'+|\\*\"|\$(?:[^\W\d]\w*)?\$)",
    re.IGNORECASE,
)
_SEGMENT: Final = re.compile(r"--[^\n\r]*|'((?:[^']|'')*)(?:'|\Z)")
_ESCAPED_SEGMENT: Final = re.compile(r"--[^\n\r]*|'((?:[^'\\]|''|\\.)*)(?:'|\\?\Z)", re.DOTALL)
# A statement that is put together from strings: the password is one of those that follow.
_ASSEMBLED: Final = re.compile(r"\spassword\s*(?:%[\d$-]*[LIs]|['\"]*\Z)", re.IGNORECASE)
_SIGNS: Final = {"=", "=>", ":", "TO"}
_LITERAL: Final = re.compile(r"(?:[EN]|U&)?'.*'|\$.*\$", re.IGNORECASE | re.DOTALL)
_QUOTES: Final = re.compile(r"\\*\"")
# Where it pays to read a text as SQL: at a name, a URL, or an escape that may spell one.
_TELLING: Final = re.compile(rf"{_NAME}|://|{HIDING}", re.IGNORECASE)
_NEAR: Final = 5000


def spans(text: str) -> list[Span]:
    """Return where the secrets of a text are, in order and without overlaps."""
    merged: list[Span] = []
    for begin, end in sorted(_spans(text)):
        if merged and begin < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        elif begin < end:
            merged.append((begin, end))
    return merged


def mask(secret: str) -> str:
    """Return what stands for a secret: a string for a string, so that JSON stays JSON."""
    if _LITERAL.fullmatch(secret):
        return f"'{MASK}'"
    quotes = _QUOTES.match(secret)
    return f"{quotes[0]}{MASK}{quotes[0]}" if quotes and secret.endswith(quotes[0]) else MASK


def _spans(text: str) -> Iterator[Span]:
    for begin, end in _windows(text):
        yield from ((begin + a, begin + b) for a, b in _in_sql(text[begin:end]))
    yield from _in_prose(text)
    for pattern in (_URL, _SPACED_URL, _PAIR, _UNQUOTED, _EXCERPT):
        yield from (match.span("secret") for match in pattern.finditer(text))
    lines = {_line(text, match.start()) for match in _CONNINFO.finditer(text)}
    for match in _SPACED_PAIR.finditer(text) if lines else ():
        if _line(text, match.start()) in lines:
            yield match.span("secret")


def _windows(text: str) -> Iterator[Span]:
    """Yield the parts to read as SQL: all of a text, of a long one the surroundings of each name.

    Such a text is a plan of many revisions, or a diff of many files, of which few have a name.
    """
    if len(text) <= 2 * _NEAR:
        yield 0, len(text)
        return
    begin = end = 0
    for match in _TELLING.finditer(text):
        if match.start() - _NEAR > end:
            yield begin, end
            begin = max(_line(text, match.start() - _NEAR)[0], match.start() - 2 * _NEAR)
        end = match.end() + _NEAR
    yield begin, end


def _in_sql(text: str) -> Iterator[Span]:
    """Yield the strings that follow PASSWORD and the like, and the secrets inside of strings."""
    telling = _joined([each for each in lex(text) if each[0] not in {"space", "comment"}], text)
    expected = assembled = False
    for number, (kind, written, begin) in enumerate(telling):
        if kind in {"string", "body"}:
            meant = meaning(written)
            parts = bool(_ASSEMBLED.search(meant))
            # With an escape sign of its own, a string may spell anything.
            custom = [each[1].upper() for each in telling[number + 1 : number + 2]] == ["UESCAPE"]
            if expected or custom or (assembled and not parts):
                yield begin, begin + len(written)
            else:
                yield from _inside(written, begin, meant)
            expected, assembled = False, assembled or parts
        elif written == ";":
            expected = assembled = False
        else:
            name = written if kind == "word" else unquote(written) if kind == "name" else ""
            expected = bool(_NAMED.fullmatch(name)) or (expected and written.upper() in _SIGNS)


def _joined(tokens: Sequence[Token], text: str) -> list[Token]:
    """Join strings that follow each other: Postgres reads them as one."""
    joined: list[Token] = []
    for kind, token, begin in tokens:
        if joined and kind == joined[-1][0] == "string":
            first = joined.pop()[2]
            joined.append((kind, text[first : begin + len(token)], first))
        else:
            joined.append((kind, token, begin))
    return joined


def _inside(token: str, begin: int, meant: str) -> Iterator[Span]:
    """Yield the secrets inside of a string; all of it if it spells its text in another way."""
    if not _TELLING.search(meant):
        return
    offset = token.find(meant)
    for start, end in _spans(meant):
        if offset >= 0:
            yield begin + offset + start, begin + offset + end
        else:
            yield begin, begin + len(token)


def _in_prose(text: str) -> Iterator[Span]:
    """Yield the quoted value after each name of a secret, wherever the name stands."""
    for match in _LABEL.finditer(text):
        begin, opening = match.start("opening"), match["opening"]
        if opening.endswith('"'):
            if match["sign"]:  # else it closes a name: column "password" is missing
                yield begin, _closed(text, match.end(), opening)
        elif "\\" in opening or opening.endswith("''"):
            yield begin, _closed(text, match.end(), opening)
        elif match["sign"] or match["quote"] != opening:
            _, token, _ = next(lex(text[begin:]))
            yield begin, begin + len(token)


def _closed(text: str, begin: int, opening: str) -> int:
    """Return where a string inside of a string ends; at the end of the line if that is not clear.

    After doubled quotes the last ones in the line count, because the password may have some, too.
    """
    _, end = _line(text, begin)
    quotes = opening.lstrip("EeNnUu&")
    last = text.find(quotes, begin, end) if quotes.endswith('"') else text.rfind(quotes, begin, end)
    return end if last < 0 else last + len(quotes)


def _line(text: str, place: int) -> Span:
    """Return where the line around a place begins and ends."""
    end = text.find("\n", place)
    return text.rfind("\n", 0, place) + 1, len(text) if end < 0 else end


def meaning(token: str) -> str:
    """Return the text that a string stands for, over all of its lines."""
    if token.startswith("$"):
        return content(token)
    prefix, sign, rest = token.partition("'")
    if not sign:
        return token
    pattern = _ESCAPED_SEGMENT if prefix.upper() == "E" else _SEGMENT
    body = "".join(match[1] or "" for match in pattern.finditer(sign + rest))
    try:
        return content(f"{prefix}'{body}'")
    except (ValueError, OverflowError):  # an escape that is no character
        return body
