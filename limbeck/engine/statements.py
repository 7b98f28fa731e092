"""Read from the text of a statement how the engine has to run it, and its checksum."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final, Literal, NamedTuple, TypeAlias

from limbeck.schema.sql import lexer

Edge: TypeAlias = Literal["begin", "commit", "rollback"]
"""What a statement does to the transaction as a whole."""

_EDGES: Final[dict[str, Edge]] = {
    "BEGIN": "begin",
    "START": "begin",
    "COMMIT": "commit",
    "END": "commit",
    "ROLLBACK": "rollback",
    "ABORT": "rollback",
}


_ROLE: Final = re.compile(r"(?i)role|authorization")


class ConcurrentIndex(NamedTuple):
    """The index of a CREATE INDEX CONCURRENTLY: names as they are written, None for no name."""

    name: str | None
    table: str


def plain(sql: str) -> str:
    """Return a statement without comments, with single spaces outside of quotes."""
    return lexer.condensed(sql)


def split(sql: str) -> list[str]:
    """Return the statements of a script, plain, cut at semicolons outside of quotes."""
    return lexer.statements(sql)


def checksum(statements: Iterable[str]) -> str:
    """Return a hash of statements that their indentation and line breaks do not change."""
    return hashlib.sha256(";\n".join(map(plain, statements)).encode()).hexdigest()


def concurrent_index(sql: str) -> ConcurrentIndex | None:
    """Return the index that a CREATE INDEX CONCURRENTLY builds, None for another statement."""
    if lexer.first_word(sql) != "CREATE":
        return None
    words, texts = lexer.words(sql), [text for _, text, _ in lexer.tokens(sql)]
    if "INDEX" not in words[1:3] or "CONCURRENTLY" not in words[2:4] or "ON" not in words:
        return None
    start = words.index("CONCURRENTLY") + 1
    start += 3 if words[start : start + 3] == ["IF", "NOT", "EXISTS"] else 0
    name = None if words[start] == "ON" else texts[start]
    start += 1 if name is None else 2
    start += words[start : start + 1] == ["ONLY"]
    length = 3 if words[start + 1 : start + 2] == ["."] else 1
    return ConcurrentIndex(name, "".join(texts[start : start + length]))


def is_concurrent(sql: str) -> bool:
    """Return whether CONCURRENTLY stands in a statement, outside of quotes."""
    # Most statements have it nowhere, which is seen without reading their tokens.
    return "CONCURRENTLY" in sql.upper() and "CONCURRENTLY" in lexer.words(sql)


def is_patient(sql: str) -> bool:
    """Return whether a statement's lock lets others read and write, so that it may wait for it."""
    return is_concurrent(sql) or (
        "VALIDATE" in sql.upper() and ("VALIDATE", "CONSTRAINT") in pairwise(lexer.words(sql))
    )


def is_reindex(sql: str) -> bool:
    """Return whether a statement is a REINDEX."""
    return lexer.first_word(sql) == "REINDEX"


def finalized(sql: str) -> str | None:
    """Return DETACH PARTITION ... FINALIZE for one that is CONCURRENTLY, None for all others."""
    head, _, last = plain(sql).rpartition(" ")
    return f"{head} FINALIZE" if last.upper() == "CONCURRENTLY" else None


def stands_alone(sql: str) -> bool:
    """Return whether a text is several statements, or begins or ends a transaction.

    The extended protocol, and with it a pipeline, takes one statement at a time.
    """
    return lexer.first_word(sql) in _EDGES or (";" in sql and len(split(sql)) > 1)


def edge(sql: str) -> Edge | None:
    """Return whether a statement begins or ends a transaction; None for one about savepoints."""
    kind = _EDGES.get(lexer.first_word(sql))
    # ROLLBACK TO is about a savepoint; COMMIT PREPARED is about the transaction of another session.
    if kind is None or {"TO", "PREPARED"} & set(lexer.words(sql)[1:3]):
        return None
    return kind


def sets_role(sql: str) -> bool:
    """Return whether a statement may set another role, for the session or the transaction."""
    if not _ROLE.search(sql):
        return False
    first = lexer.first_word(sql)
    return first == "SET" or (first == "SELECT" and "set_config" in sql.lower())


def parts(sql: str) -> list[str]:
    """Return the statements of a script that begins or ends a transaction; else none."""
    if ";" not in sql:
        return []
    several = split(sql)
    return several if len(several) > 1 and any(map(edge, several)) else []
