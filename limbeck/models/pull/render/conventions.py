"""The naming convention that a schema follows, and the names that it implies."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from heapq import nlargest
from typing import NamedTuple, TypeAlias

from limbeck.models.pull.render.contents import Contents
from limbeck.models.source.text import literal
from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.catalog.objects.constraints import Constraint, Reference
from limbeck.schema.catalog.objects.indexes import Index

Part: TypeAlias = Constraint | Index
_LONGEST_NAME = 63  # bytes: NAMEDATALEN - 1
_OFTEN = 50  # names between two checks whether the votes are decided
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
# The labels in the names that Postgres chooses.
_LABELS = {"p": "pkey", "f": "fkey", "u": "key", "c": "check", "x": "excl"}
_UNNAMED = {kind: _KNOWN[kind][0] for kind in ("pk", "fk", "uq")}
_KINDS = {"p": "pk", "f": "fk", "u": "uq", "c": "ck"}
_REST = "%(constraint_name)s"
_COLUMN = re.compile(r"column_(?P<number>\d+)(?:(?<=_0)(?P<joint>_?)N)?_(?P<kind>name|label)")
_REFERRED: Mapping[str, Callable[[Reference], str]] = {
    "referred_table_name": lambda reference: reference.table.name,
    "referred_column_0_name": lambda reference: reference.columns[0],
}


def detect(tables: Iterable[Contents]) -> dict[str, str]:
    """Return the convention that most of the names follow, with SQLAlchemy's keys."""
    named: dict[str, list[Constraint | Index]] = defaultdict(list)
    for table in tables:
        parts: tuple[Constraint | Index, ...] = (*table.constraints, *table.indexes)
        for part in parts:
            named[_kind(part)].append(part)
    votes = {kind: _votes(named[kind], templates) for kind, templates in _KNOWN.items()}
    chosen = {kind: max(counts, key=counts.__getitem__) for kind, counts in votes.items()}
    if votes["ck"][chosen["ck"]] * 2 <= len(named["ck"]):
        # Every check that does not follow it would need conv().
        del chosen["ck"]
    return {kind: chosen[kind] for kind in ("ix", "uq", "ck", "fk", "pk") if kind in chosen}


def _votes(named: Sequence[Constraint | Index], templates: Iterable[str]) -> dict[str, int]:
    """Count the names that follow each template, until one cannot be overtaken."""
    votes = dict.fromkeys(templates, 0)
    possible = [(template, *_ends(template)) for template in votes]
    for number, part in enumerate(named, 1):
        tokens = _Tokens(part)
        for template, start, end in possible:
            if part.name.startswith(start) and part.name.endswith(end):
                votes[template] += _filled(part.name, template, tokens) is not None
        if number % _OFTEN == 0 and len(votes) > 1:
            first, second = nlargest(2, votes.values())
            if first > second + len(named) - number:
                break
    return votes


def name(part: Constraint | Index, convention: Mapping[str, str]) -> str:
    """Return the source of a name; "" where the convention implies it."""
    kind = _kind(part)
    # A constraint without a name gets one from Postgres.
    template = convention.get(kind) or _UNNAMED.get(kind)
    if template is None:
        return literal(part.name)
    given = _given(part, template)
    if given is None:
        plain = literal(part.name)
        return f"sa.schema.conv({plain})" if _REST in template else plain
    return literal(given) if given else ""


def moved_name(old: Part, new: Part, convention: Mapping[str, str]) -> str:
    """Return the name that a part without one in the source has under another table's name.

    Args:
        old: the constraint or index.
        new: the same one with the new names of its table and columns.
        convention: names constraints and indexes.

    """
    kind = _kind(old)
    template = convention.get(kind) or _UNNAMED.get(kind)
    given = _given(old, template) if template else None
    if template and given is not None:
        before, rest, after = template.partition(_REST)
        tokens = _Tokens(new)
        return f"{before % tokens}{given if rest else ''}{after % tokens}"
    if isinstance(old, Index) or isinstance(new, Index):
        return old.name
    for columns in ((), old.columns[:1], old.columns):
        pairs = ((part.table, "_".join(part.columns[: len(columns)])) for part in (old, new))
        chosen, other = (chosen_name(*pair, _LABELS[old.type]) for pair in pairs)
        if chosen == old.name:
            return other
    return old.name


@cache
def _ends(template: str) -> tuple[str, str]:
    """Return the text before the first and behind the last token of a template."""
    if "%%" in template:
        return "", ""
    return template.partition("%(")[0], template.rpartition(")s")[2]


def _given(part: Constraint | Index, template: str) -> str | None:
    """Return the text with which a template gives just this name, None where it cannot."""
    start, end = _ends(template)
    if not (part.name.startswith(start) and part.name.endswith(end)):
        return None
    return _filled(part.name, template, _Tokens(part))


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


def _kind(part: Constraint | Index) -> str:
    return "ix" if isinstance(part, Index) else _KINDS.get(part.type, "")


class _Tokens(dict[str, str]):
    """The values of a template's tokens for a constraint or an index, computed on demand."""

    def __init__(self, part: Constraint | Index) -> None:
        super().__init__()
        self._reference = None if isinstance(part, Index) else part.reference
        self._columns = columns = _columns(part)
        # Nearly every template has these.
        self["table_name"] = part.table.name if isinstance(part, Index) else part.table
        if columns:
            self["column_0_name"] = columns[0]
            self["column_0_N_name"] = "_".join(columns)

    def __missing__(self, token: str) -> str:
        """Compute the value of a token.

        Raises:
            KeyError: the constraint or index has no such value.

        """
        value = self[token] = self._value(token)
        return value

    def _value(self, token: str) -> str:
        if self._reference and token in _REFERRED:
            return _REFERRED[token](self._reference)
        part, columns = _part(token), self._columns
        if part is None or part.number >= len(columns):
            raise KeyError(token)
        if part.label:
            table = self["table_name"]
            columns = tuple([f"{table}_{column}" for column in columns])
        return columns[part.number] if part.joint is None else part.joint.join(columns)


class _Token(NamedTuple):
    """A token about columns: the number of one, or the text between all of them."""

    number: int
    joint: str | None
    label: bool


@cache
def _part(word: str) -> _Token | None:
    match = _COLUMN.fullmatch(word)
    return _Token(int(match["number"]), match["joint"], match["kind"] == "label") if match else None


def _columns(part: Constraint | Index) -> tuple[str, ...]:
    if isinstance(part, Constraint):
        return () if part.type == "c" else part.columns
    # A key with an order or an operator class is SQL, in which SQLAlchemy sees no column.
    columns = [key.column for key in part.keys if key.column is not None and key.is_plain]
    return tuple(columns) if len(columns) == len(part.keys) else ()
