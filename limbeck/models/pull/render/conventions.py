"""The naming convention that a schema follows, and the names that need not be spelled."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from heapq import nlargest
from typing import NamedTuple

from limbeck.models.pull.render.contents import Contents
from limbeck.models.source.text import literal
from limbeck.schema.catalog.objects.constraints import Constraint, Reference
from limbeck.schema.catalog.objects.indexes import Index

_LONGEST_NAME = 63  # bytes: NAMEDATALEN - 1
_OFTEN = 50  # names after which it is looked whether the votes are decided
_TABLE, _COLUMNS = "%(table_name)s", "%(column_0_N_name)s"
_REFERRED_TABLE = "%(referred_table_name)s"
# Postgres' own names first: they win a tie.
_KNOWN: Mapping[str, tuple[str, ...]] = {
    "pk": (f"{_TABLE}_pkey", f"pk_{_TABLE}", f"{_TABLE}_pk", f"PK_{_TABLE}"),
    "fk": (
        f"{_TABLE}_{_COLUMNS}_fkey",
        f"fk_{_TABLE}_%(column_0_name)s_{_REFERRED_TABLE}",
        f"fk_{_TABLE}_{_COLUMNS}_{_REFERRED_TABLE}",
        f"fk_{_TABLE}_{_COLUMNS}",
        f"fk_{_TABLE}_{_REFERRED_TABLE}",
        f"{_TABLE}_{_COLUMNS}_fk",
        f"{_TABLE}_{_REFERRED_TABLE}_fkey",
        f"{_TABLE}_{_REFERRED_TABLE}_fk",
        f"FK_{_TABLE}_{_COLUMNS}",
    ),
    "uq": (
        f"{_TABLE}_{_COLUMNS}_key",
        f"uq_{_TABLE}_%(column_0_name)s",
        f"uq_{_TABLE}_{_COLUMNS}",
        f"{_TABLE}_{_COLUMNS}_uq",
        f"{_TABLE}_{_COLUMNS}_unique",
        f"unique_{_TABLE}_{_COLUMNS}",
    ),
    "ix": (
        f"{_TABLE}_{_COLUMNS}_idx",
        "ix_%(column_0_label)s",
        "ix_%(column_0_N_label)s",
        f"ix_{_TABLE}_{_COLUMNS}",
        f"idx_{_TABLE}_{_COLUMNS}",
        f"index_{_TABLE}_on_{_COLUMNS}",
        f"{_TABLE}_{_COLUMNS}_index",
        f"{_TABLE}_{_COLUMNS}",
    ),
    "ck": ("ck_%(table_name)s_%(constraint_name)s",),
}
_UNNAMED = {kind: _KNOWN[kind][0] for kind in ("pk", "fk", "uq")}
_KINDS = {"p": "pk", "f": "fk", "u": "uq", "c": "ck"}
_REST = "%(constraint_name)s"
_COLUMN = re.compile(r"column_(?P<number>\d+)(?:(?<=_0)(?P<joint>_?)N)?_(?P<kind>name|label)")
_REFERRED: Mapping[str, Callable[[Reference], str]] = {
    "referred_table_name": lambda reference: reference.table.name,
    "referred_column_0_name": lambda reference: reference.columns[0],
}


def detect(tables: Iterable[Contents]) -> dict[str, str]:
    """Return the convention that gives most of the names, by SQLAlchemy's own keys."""
    named: dict[str, list[Constraint | Index]] = defaultdict(list)
    for table in tables:
        parts: tuple[Constraint | Index, ...] = (*table.constraints, *table.indexes)
        for found in parts:
            named[_kind(found)].append(found)
    votes = {kind: _votes(named[kind], templates) for kind, templates in _KNOWN.items()}
    chosen = {kind: max(found, key=found.__getitem__) for kind, found in votes.items()}
    if votes["ck"][chosen["ck"]] * 2 <= len(named["ck"]):
        # Any check that does not follow it would have to say so.
        del chosen["ck"]
    return {kind: chosen[kind] for kind in ("ix", "uq", "ck", "fk", "pk") if kind in chosen}


def _votes(named: Sequence[Constraint | Index], templates: Iterable[str]) -> dict[str, int]:
    """Count the names that each template gives, until one has more than any other can get."""
    votes = dict.fromkeys(templates, 0)
    possible = [(template, *_ends(template)) for template in votes]
    for number, found in enumerate(named, 1):
        tokens = _Tokens(found)
        for template, start, end in possible:
            if found.name.startswith(start) and found.name.endswith(end):
                votes[template] += _filled(found.name, template, tokens) is not None
        if number % _OFTEN == 0 and len(votes) > 1:
            first, second = nlargest(2, votes.values())
            if first > second + len(named) - number:
                break
    return votes


def name(found: Constraint | Index, convention: Mapping[str, str]) -> str:
    """Return the source of a name; "" where the convention gives just that name."""
    kind = _kind(found)
    # A constraint without a name gets one from Postgres.
    template = convention.get(kind) or _UNNAMED.get(kind)
    if template is None:
        return literal(found.name)
    given = _given(found, template)
    if given is None:
        plain = literal(found.name)
        return f"sa.schema.conv({plain})" if _REST in template else plain
    return literal(given) if given else ""


@cache
def _ends(template: str) -> tuple[str, str]:
    """Return what stands before the first and behind the last token of a template."""
    if "%%" in template:
        return "", ""
    return template.partition("%(")[0], template.rpartition(")s")[2]


def _given(found: Constraint | Index, template: str) -> str | None:
    """Return what has to be said that a template gives just this name, None where it cannot."""
    start, end = _ends(template)
    if not (found.name.startswith(start) and found.name.endswith(end)):
        return None
    return _filled(found.name, template, _Tokens(found))


def _filled(name: str, template: str, tokens: _Tokens) -> str | None:
    try:
        if _REST in template:
            before, _, after = template.partition(_REST)
            start, end = before % tokens, after % tokens
            rest = name.removeprefix(start).removesuffix(end)
            return rest if rest and start + rest + end == name else None
        given = template % tokens
    except KeyError:
        return None
    return "" if given == name and len(given.encode()) <= _LONGEST_NAME else None


def _kind(found: Constraint | Index) -> str:
    return "ix" if isinstance(found, Index) else _KINDS.get(found.type, "")


class _Tokens(dict[str, str]):
    """What a template can ask for of a constraint or an index, made when it is asked for."""

    def __init__(self, found: Constraint | Index) -> None:
        super().__init__()
        self._reference = None if isinstance(found, Index) else found.reference
        self._columns = columns = _columns(found)
        # Those that nearly every template asks for.
        self["table_name"] = found.table.name if isinstance(found, Index) else found.table
        if columns:
            self["column_0_name"] = columns[0]
            self["column_0_N_name"] = "_".join(columns)

    def __missing__(self, token: str) -> str:
        """Make a token.

        Raises:
            KeyError: there is no such thing here.

        """
        made = self[token] = self._made(token)
        return made

    def _made(self, token: str) -> str:
        if self._reference and token in _REFERRED:
            return _REFERRED[token](self._reference)
        part, columns = _part(token), self._columns
        if part is None or part.number >= len(columns):
            raise KeyError(token)
        if part.label:
            table = self["table_name"]
            columns = tuple([f"{table}_{column}" for column in columns])
        return columns[part.number] if part.joint is None else part.joint.join(columns)


class _Part(NamedTuple):
    """A token that is about columns: which one, or what stands between all of them."""

    number: int
    joint: str | None
    label: bool


@cache
def _part(word: str) -> _Part | None:
    found = _COLUMN.fullmatch(word)
    return _Part(int(found["number"]), found["joint"], found["kind"] == "label") if found else None


def _columns(found: Constraint | Index) -> tuple[str, ...]:
    if isinstance(found, Constraint):
        return () if found.type == "c" else found.columns
    # A key with an order or an operator class is SQL, in which SQLAlchemy sees no column.
    columns = [key.column for key in found.keys if key.column is not None and key.is_plain]
    return tuple(columns) if len(columns) == len(found.keys) else ()
