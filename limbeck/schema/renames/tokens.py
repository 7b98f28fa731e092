"""Compare texts that Postgres deparsed, where some of the names in them were renamed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.schema.sql.lexer import Kind, Token, tokens
from limbeck.schema.sql.quoting import content, literal, quote, unquote


@dataclass(frozen=True, slots=True)
class Names:
    """The new names, and the new labels of enums, by the old ones."""

    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)


def alike(before: str | None, after: str | None, names: Names) -> bool:
    """Return whether two texts are the same but for the renamed names."""
    if before == after or before is None or after is None:
        return before == after
    old, new = tokens(before), tokens(after)
    return len(old) == len(new) and all(
        left[1] == right[1] or _token_alike(left, right, names, after)
        for left, right in zip(old, new, strict=True)
    )


def _token_alike(before: Token, after: Token, names: Names, text: str) -> bool:
    kinds = {before[0], after[0]}
    if kinds <= {"word", "name"}:
        old, new = unquote(before[1]), unquote(after[1])
        return old == new or new in names.names.get(old, ())
    if kinds != {"string"}:
        return False
    old, new = content(before[1]), content(after[1])
    # 'books_id_seq'::regclass has the name of a relation inside of a string.
    is_name = text.startswith("::reg", after[2] + len(after[1]))
    return new in names.labels.get(old, ()) or (is_name and alike(old, new, names))


def substituted(text: str, names: Names) -> str:
    """Return a text with every renamed name replaced, whether or not it means that object."""
    pieces, end = list[str](), 0
    for kind, written, start in tokens(text):
        new = _renamed(kind, written, names)
        if new is not None:
            pieces += [text[end:start], new]
            end = start + len(written)
    return "".join([*pieces, text[end:]])


def _renamed(kind: Kind, written: str, names: Names) -> str | None:
    if kind in {"word", "name"}:
        renamed = names.names.get(written if kind == "word" else unquote(written))
        return quote(min(renamed)) if renamed else None
    labels = names.labels.get(content(written)) if kind == "string" and names.labels else None
    return literal(min(labels)) if labels else None
