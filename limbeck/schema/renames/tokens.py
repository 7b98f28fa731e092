"""Comparing texts that Postgres spelled, where some names in them were renamed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from limbeck.schema.catalog.names import quote

TOKEN = re.compile(
    r"""(?P<name>"(?:[^"]|"")*")|(?P<string>E?'(?:[^']|'')*')|(?P<word>[^\W\d][\w$]*)|(?P<other>\S)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Names:
    """Which names, and which labels of enums, became which."""

    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)


def tokens(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Yield each token's kind, what it means, and where it stands."""
    for match in TOKEN.finditer(text):
        kind, found = match.lastgroup or "", match.group()
        if kind == "name":
            found, kind = found[1:-1].replace('""', '"'), "word"
        yield kind, found, match.start(), match.end()


def alike(before: str | None, after: str | None, names: Names) -> bool:
    """Tell whether two texts are the same but for what was renamed."""
    if before == after or before is None or after is None:
        return before == after
    old, new = list(tokens(before)), list(tokens(after))
    return len(old) == len(new) and all(
        _token_alike(one, other, names, after[other[3] :])
        for one, other in zip(old, new, strict=True)
    )


def _token_alike(
    one: tuple[str, str, int, int], other: tuple[str, str, int, int], names: Names, rest: str
) -> bool:
    if one[:2] == other[:2]:
        return True
    if one[0] != other[0]:
        return False
    if one[0] == "word":
        return other[1] in names.names.get(one[1], ())
    if one[0] != "string":
        return False
    old, new = one[1].strip("'"), other[1].strip("'")
    return new in names.labels.get(old, ()) or (rest.startswith("::reg") and alike(old, new, names))


def substituted(text: str, names: Names) -> str:
    """Return a text with every renamed name spelled anew, right or wrong."""
    parts, place = [], 0
    for kind, found, start, end in tokens(text):
        new = names.names.get(found) if kind == "word" else None
        if kind == "string" and (labels := names.labels.get(found.strip("'"))):
            parts += [text[place:start], f"'{min(labels)}'"]
            place = end
        elif new:
            parts += [text[place:start], quote(min(new))]
            place = end
    return "".join([*parts, text[place:]])
