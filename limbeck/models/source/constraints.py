"""Constraints of tables.

A constraint is spelled from its parts only where the parts put together again give Postgres'
own definition; whatever they leave out makes the answer None.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from limbeck.models.source.text import (
    POSTGRESQL,
    SQLALCHEMY,
    Argument,
    Source,
    call,
    escaped,
    keyword,
    literal,
    literals,
    text,
    unwrapped,
)
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint, Reference

_FUNCTIONS = {
    "p": "sa.PrimaryKeyConstraint",
    "u": "sa.UniqueConstraint",
    "f": "sa.ForeignKeyConstraint",
    "c": "sa.CheckConstraint",
    "x": "postgresql.ExcludeConstraint",
}
_EXCLUDE = re.compile(r"EXCLUDE USING (\w+) \((.*?)\)(?: WHERE \((.*)\))?(?: DEFERRABLE.*)?")
_ELEMENT = re.compile(r'("(?:[^"])+"|\w+) WITH ([-+*/<>=~!@#%^&|`?]+)')


def constraint(found: Constraint, *, name: str | None = None) -> Source | None:
    """Return sa.PrimaryKeyConstraint(...) or its like; None where it cannot be said exactly.

    Args:
        found: the constraint.
        name: the source of the name, where it is not a plain literal; "" for no name.

    """
    spoken = parts(found)
    if spoken is None:
        return None
    named = [] if name == "" else [keyword("name", name or literal(found.name))]
    module = POSTGRESQL if found.type == "x" else SQLALCHEMY
    positional, options = spoken
    return call(_FUNCTIONS[found.type], [*positional, *named, *options], module)


def parts(found: Constraint) -> tuple[list[Argument], list[Argument]] | None:
    """Return the positional arguments and the options of a constraint, or None."""
    if not _is_plain(found):
        return None
    if found.type == "x":
        return _exclusion(found)
    if _together(found) != found.definition.replace('"', ""):
        return None
    return _positional(found), [Source(f"{key}={value}") for key, value in _options(found)]


def constraint_is_sayable(found: Constraint) -> bool:
    """Say whether parts() would say all of a constraint, which takes longer."""
    if found.type == "x":
        return parts(found) is not None
    return _is_plain(found) and _together(found) == found.definition.replace('"', "")


def _is_plain(found: Constraint) -> bool:
    return not (found.clustered or found.replica_identity or found.inherited) and (
        found.comment is None
    )


def _positional(found: Constraint) -> list[Argument]:
    if found.type == "f" and found.reference:
        referred = [literal(column) for column in _referred(found.reference)]
        return [literals(found.columns), f"[{', '.join(referred)}]"]
    if found.type == "c":
        return [literal(escaped(unwrapped(found.expression or "")))]
    return [literal(column) for column in found.columns]


def _referred(reference: Reference) -> list[str]:
    table = dotted(reference.table)
    return [f"{table}.{column}" for column in reference.columns]


def dotted(table: Address) -> str:
    """Return "books", or "schema.books" outside public."""
    return table.name if table.schema == "public" else f"{table.schema}.{table.name}"


def _options(found: Constraint) -> Iterator[tuple[str, str]]:
    if found.reference:
        for key, action in (
            ("onupdate", found.reference.on_update),
            ("ondelete", found.reference.on_delete),
        ):
            if action != "NO ACTION":
                yield key, literal(action)
        if found.reference.match != "SIMPLE":
            yield "match", literal(found.reference.match)
    yield from _timing(found)
    if found.include:
        yield "postgresql_include", literals(found.include)
    if found.nulls_not_distinct:
        yield "postgresql_nulls_not_distinct", "True"
    if not found.validated:
        yield "postgresql_not_valid", "True"


def _timing(found: Constraint) -> Iterator[tuple[str, str]]:
    if found.deferrable:
        yield "deferrable", "True"
    if found.deferred:
        yield "initially", literal("DEFERRED")


def _together(found: Constraint) -> str | None:
    """Put the definition together as pg_get_constraintdef does, without quotes round names."""
    inherited = found.type != "c" or not found.no_inherit
    if not (found.enforced and inherited) or found.options or _has_dots(found):
        return None
    body = _body(found)
    if body is None:
        return None
    words = [body]
    words += ["DEFERRABLE"] if found.deferrable else []
    words += ["INITIALLY DEFERRED"] if found.deferred else []
    words += ["NOT VALID"] if not found.validated else []
    return " ".join(words).replace('"', "")


def _body(found: Constraint) -> str | None:
    columns = ", ".join(found.columns)
    included = f" INCLUDE ({', '.join(found.include)})" if found.include else ""
    if found.type == "p":
        return f"PRIMARY KEY ({columns}){included}"
    if found.type == "u":
        nulls = "NULLS NOT DISTINCT " if found.nulls_not_distinct else ""
        return f"UNIQUE {nulls}({columns}){included}"
    if found.type == "c" and found.expression:
        return f"CHECK ({found.expression})"
    if found.type == "f" and found.reference:
        return f"FOREIGN KEY ({columns}) REFERENCES {_references(found.reference)}"
    return None


def _references(reference: Reference) -> str:
    table = f"{reference.table.schema}.{reference.table.name}"
    words = [f"{table}({', '.join(reference.columns)})"]
    if reference.match != "SIMPLE":
        words.append(f"MATCH {reference.match}")
    if reference.on_update != "NO ACTION":
        words.append(f"ON UPDATE {reference.on_update}")
    if reference.on_delete != "NO ACTION":
        words.append(f"ON DELETE {reference.on_delete}")
    return " ".join(words)


def _has_dots(found: Constraint) -> bool:
    # SQLAlchemy splits what a foreign key refers to at its dots.
    refers = found.reference
    return refers is not None and any(
        "." in name for name in (refers.table.schema, refers.table.name, *refers.columns)
    )


def _exclusion(found: Constraint) -> tuple[list[Argument], list[Argument]] | None:
    whole = _EXCLUDE.fullmatch(found.definition)
    elements = [_ELEMENT.fullmatch(one) for one in whole[2].split(", ")] if whole else []
    if whole is None or not all(elements):
        return None
    matched = [(one[1].strip('"'), one[2]) for one in elements if one]
    pairs: list[Argument] = [f"({literal(on)}, {literal(with_)})" for on, with_ in matched]
    options: list[Argument] = [keyword("using", literal(whole[1]))]
    if whole[3]:
        options.append(keyword("where", text(unwrapped(whole[3]))))
    return pairs, [*options, *(f"{key}={value}" for key, value in _timing(found))]
