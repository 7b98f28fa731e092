"""The text of statements: what is worth comparing of it, and which have to stand alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)
    |(?P<kept>E'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<space>\s+)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_INDEX = re.compile(
    r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY (?:IF NOT EXISTS )?"
    rf"(?:(?P<name>(?!ON\b){_NAME}) )?ON (?:ONLY )?(?P<table>{_NAME}(?: ?\. ?{_NAME})?)",
    re.IGNORECASE,
)
_CONCURRENTLY = re.compile(r"\bCONCURRENTLY\b", re.IGNORECASE)
_PATIENT = re.compile(r"\bCONCURRENTLY\b|\bVALIDATE CONSTRAINT\b", re.IGNORECASE)
_BOUNDARY = re.compile(r"(?:BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK|ABORT)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ConcurrentIndex:
    """What CREATE INDEX CONCURRENTLY says: names as they are spelt, None for one not given."""

    name: str | None
    table: str


def plain(sql: str) -> str:
    """Return a statement without comments, with single spaces where no quotes are around."""
    return _TOKEN.sub(_shortened, sql).strip(" ;")


def split(sql: str) -> list[str]:
    """Return the statements of a script, plain, cut at semicolons outside of quotes."""
    parts, begin = [], 0
    for found in re.finditer(rf"{_TOKEN.pattern}|(?P<end>;)", sql, _TOKEN.flags):
        if found["end"]:
            parts.append(sql[begin : found.start()])
            begin = found.end()
    return [text for part in (*parts, sql[begin:]) if (text := plain(part))]


def checksum(statements: Iterable[str]) -> str:
    """Return a hash that comments and white space do not change."""
    return hashlib.sha256(";\n".join(map(plain, statements)).encode()).hexdigest()


def concurrent_index(sql: str) -> ConcurrentIndex | None:
    """Return what is built when this is CREATE INDEX CONCURRENTLY."""
    found = _INDEX.match(plain(sql))
    return ConcurrentIndex(found["name"], found["table"].replace(" ", "")) if found else None


def is_concurrent(sql: str) -> bool:
    """Tell whether CONCURRENTLY stands in it, outside of quotes."""
    return bool(_CONCURRENTLY.search(_bare(sql)))


def is_patient(sql: str) -> bool:
    """Tell whether it works under a lock that lets others read and write, so that it may wait."""
    return bool(_PATIENT.search(_bare(sql)))


def stands_alone(sql: str) -> bool:
    """Tell whether it is several statements, or begins or ends a transaction.

    The extended protocol, and with it a pipeline, takes one statement at a time.
    """
    bare = _bare(sql)
    return ";" in bare or bool(_BOUNDARY.match(bare))


def _bare(sql: str) -> str:
    return _TOKEN.sub(lambda found: "''" if found["kept"] else " ", sql).strip(" ;")


def _shortened(found: re.Match[str]) -> str:
    return found["kept"] or " "
