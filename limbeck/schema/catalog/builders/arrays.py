"""Casts of arrays, respelled so that Postgres reads its own text as the same expression."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, overload

from limbeck.schema.sql.lexer import tokens

_OPENING: Final = "(ARRAY["
_TYPE: Final = re.compile(r'::((?:[a-z_][\w ]*|"[^"]+")(?:\.(?:[a-z_]\w*|"[^"]+"))?)$')


@overload
def settled(text: str) -> str: ...
@overload
def settled(text: None) -> None: ...
def settled(text: str | None) -> str | None:
    """Name the type of each array that has a cast, for its elements would get the cast instead.

    `status IN ('a', 'b')` of a varchar is spelled `(ARRAY['a'::character varying, ...])::text[]`,
    and that is read as `ARRAY[('a'::character varying)::text, ...]`: transformTypeCast() hands the
    type of a cast down to an ARRAY right under it.
    """
    if text is None or _OPENING not in text:
        return text
    at, pieces = 0, []
    for end, type_ in sorted(_casts(text)):
        pieces += [text[at:end], f"::{type_}[]"]
        at = end
    return "".join(pieces) + text[at:]


def _casts(text: str) -> Iterator[tuple[int, str]]:
    """Yield the end of each array with a cast outside its parentheses, and its elements' type."""
    opened: list[tuple[str, int, list[str]]] = []
    start = 0
    for _, sign, at in tokens(text):
        if sign in {"(", "["}:
            opened.append((sign, at, []))
            start = at + 1
        elif sign == "," and opened:
            opened[-1][2].append(text[start:at])
            start = at + 1
        elif sign in {")", "]"} and opened:
            bracket, begin, elements = opened.pop()
            elements.append(text[start:at])
            array = bracket == "[" and text[:begin].endswith("(ARRAY")
            if array and text.startswith(")::", at + 1) and (type_ := _common(elements)):
                yield at + 1, type_


def _common(elements: list[str]) -> str | None:
    """Return the type to which all elements are cast, if it is one."""
    types = {match[1] if (match := _TYPE.search(element)) else None for element in elements}
    return types.pop() if len(types) == 1 else None
