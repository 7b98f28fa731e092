"""The naming convention that a schema follows, and the names that need not be spelled."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from limbeck.catalog.objects import Constraint, Index, Key
from limbeck.pull.contents import Contents
from limbeck.spelling import literal

_LONGEST_NAME = 63  # bytes: NAMEDATALEN - 1
_TABLE, _COLUMNS = "%(table_name)s", "%(column_0_N_name)s"
_REFERRED = "%(referred_table_name)s"
# Postgres' own names first: they win a tie.
_KNOWN: Mapping[str, tuple[str, ...]] = {
    "pk": (f"{_TABLE}_pkey", f"pk_{_TABLE}", f"{_TABLE}_pk", f"PK_{_TABLE}"),
    "fk": (
        f"{_TABLE}_{_COLUMNS}_fkey",
        f"fk_{_TABLE}_%(column_0_name)s_{_REFERRED}",
        f"fk_{_TABLE}_{_COLUMNS}_{_REFERRED}",
        f"fk_{_TABLE}_{_COLUMNS}",
        f"fk_{_TABLE}_{_REFERRED}",
        f"{_TABLE}_{_COLUMNS}_fk",
        f"{_TABLE}_{_REFERRED}_fkey",
        f"{_TABLE}_{_REFERRED}_fk",
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
_TOKEN = re.compile(r"%\((\w+)\)s")


def detect(tables: Iterable[Contents]) -> dict[str, str]:
    """Return the convention that gives most of the names, by SQLAlchemy's own keys."""
    votes: Counter[tuple[str, str]] = Counter()
    checks = 0
    everything: list[Constraint | Index] = []
    for table in tables:
        everything += [*table.constraints, *table.indexes]
    for found in everything:
        kind = _kind(found)
        checks += kind == "ck"
        for template in _KNOWN.get(kind, ()):
            votes[kind, template] += name(found, {kind: template}) != literal(found.name)
    chosen = {
        kind: max(templates, key=lambda template: votes[kind, template])
        for kind, templates in _KNOWN.items()
    }
    if votes["ck", chosen["ck"]] * 2 <= checks:
        # Any check that does not follow it would have to say so.
        del chosen["ck"]
    return {kind: chosen[kind] for kind in ("ix", "uq", "ck", "fk", "pk") if kind in chosen}


def name(found: Constraint | Index, convention: Mapping[str, str]) -> str:
    """Return the source of a name; "" where the convention gives just that name."""
    # A constraint without a name gets one from Postgres.
    template = convention.get(_kind(found)) or _UNNAMED.get(_kind(found))
    if template is None:
        return literal(found.name)
    if "%(constraint_name)s" in template:
        return _rest(found, template)
    tokens = dict(_tokens(found))
    if not set(_TOKEN.findall(template)) <= tokens.keys():
        return literal(found.name)
    given = template % tokens
    fits = given == found.name and len(given.encode()) <= _LONGEST_NAME
    return "" if fits else literal(found.name)


def _rest(found: Constraint | Index, template: str) -> str:
    tokens = dict(_tokens(found))
    before, _, after = template.partition("%(constraint_name)s")
    conventional = f"sa.schema.conv({literal(found.name)})"
    if not set(_TOKEN.findall(before + after)) <= tokens.keys():
        return conventional
    start, end = before % tokens, after % tokens
    rest = found.name.removeprefix(start).removesuffix(end)
    return literal(rest) if rest and start + rest + end == found.name else conventional


def _kind(found: Constraint | Index) -> str:
    return "ix" if isinstance(found, Index) else _KINDS.get(found.type, "")


def _tokens(found: Constraint | Index) -> Iterator[tuple[str, str]]:
    table = found.table.name if isinstance(found, Index) else found.table
    yield "table_name", table
    columns = _columns(found)
    if columns:
        labels = [f"{table}_{column}" for column in columns]
        yield "column_0_name", columns[0]
        yield "column_0_label", labels[0]
        yield "column_0_N_name", "_".join(columns)
        yield "column_0N_name", "".join(columns)
        yield "column_0_N_label", "_".join(labels)
        yield "column_0N_label", "".join(labels)
    for number, column in enumerate(columns[1:], start=1):
        yield f"column_{number}_name", column
    if isinstance(found, Constraint) and found.reference:
        yield "referred_table_name", found.reference.table.name
        yield "referred_column_0_name", found.reference.columns[0]


def _columns(found: Constraint | Index) -> tuple[str, ...]:
    if isinstance(found, Constraint):
        return () if found.type == "c" else found.columns
    # A key with an order or an operator class is SQL, in which SQLAlchemy sees no column.
    plain = [key.column for key in found.keys if key == Key(column=key.column, expression=None)]
    columns = [column for column in plain if column is not None]
    return tuple(columns) if len(columns) == len(found.keys) else ()
