"""Rules about changes of types that fail on some values, or depend on the session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, Rule
from limbeck.lint.trace.facts import Column
from limbeck.schema.diff.casts import READ, WRITTEN, fallible, settings, undefined
from limbeck.schema.sql.lexer import statements, tokens, words
from limbeck.schema.sql.quoting import content, unquote

_SETTINGS = {name for names in (*READ.values(), *WRITTEN.values()) for name in names}
Word = tuple[str, str]
"""The kind of a token and its text, words in small letters."""


def _cast_by_session(change: Change) -> Iterator[Finding]:
    for was, now in _retyped(change):
        names = set() if undefined(was.sort, now.sort) else {*settings(was.sort, now.sort)}
        decided = _is_decided(change.statement.text, now.name) or names <= _set(change)
        if names and not decided:
            values = {"was": was, "now": now, "settings": " and ".join(sorted(names))}
            yield Finding(now.table, values)


def _set(change: Change) -> set[str]:
    """Return the settings that the revision itself sets before or in the statement."""
    earlier = change.trace.statements[: change.place]
    # To split the texts of all statements before each of many would take long.
    texts = [each.text for each in (*earlier, change.statement) if "SET" in each.text.upper()]
    listed = [words(part) for text in texts for part in statements(text)]
    sets = {word for signs in listed if signs[:1] == ["SET"] for word in signs[1:4]}
    return {name for name in _SETTINGS if name.upper() in sets} | (
        {"TimeZone"} if "ZONE" in sets else set()
    )


def _cast_can_fail(change: Change) -> Iterator[Finding]:
    for was, now in _retyped(change):
        if fallible(was.sort, now.sort):
            yield Finding(now.table, {"was": was, "now": now})


def _retyped(change: Change) -> Iterator[tuple[Column, Column]]:
    for was, now in change.altered_columns():
        plain = not now.generated and not change.is_empty(now.table)
        if plain and was.sort != now.sort:
            yield was, now


def _is_decided(text: str, column: str) -> bool:
    """Return whether USING of a column has more than casts: AT TIME ZONE or a function.

    The catalog does not store the expression, so this is the one thing that only the text says.
    """
    words = list(_words(text))
    actions = [
        action for action in _split(words, "alter") if any(unquote(w) == column for _, w in action)
    ]
    return any(_computes(using) for action in actions for using in _split(action, "using")[1:])


def _words(text: str) -> Iterator[Word]:
    for kind, written, _ in tokens(text):
        if kind in {"body", "string"} and "using" in written.lower():  # of a DO block, or EXECUTE
            yield from _words(content(written))
        else:
            yield kind, written.lower() if kind == "word" else written


def _split(words: Sequence[Word], at: str) -> list[list[Word]]:
    parts: list[list[Word]] = [[]]
    for word in words:
        if word == ("word", at):
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _computes(expression: Sequence[Word]) -> bool:
    texts = [text for _, text in expression]
    zoned = any(texts[n : n + 3] == ["at", "time", "zone"] for n in range(len(texts)))
    return zoned or any(
        kind in {"word", "name"} and after == "(" and before not in {"::", "as"}
        for before, (kind, _), after in zip(["", *texts], expression, texts[1:], strict=False)
    )


RULES = (
    Rule("cast-by-session", _cast_by_session),
    Rule("cast-can-fail", _cast_can_fail),
)
