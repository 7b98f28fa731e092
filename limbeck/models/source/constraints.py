"""Constraints as SQLAlchemy expressions, for pulled models and revisions.

A constraint is spelled by its parts only if they give Postgres' own definition when they are put
together again; a constraint with anything else has no expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

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


def constraint(constraint: Constraint, *, name: str | None = None) -> Source | None:
    """Return sa.PrimaryKeyConstraint(...) or its like; None where none is exact.

    Args:
        constraint: the constraint.
        name: the source of the name, None for a plain literal; "" for no name.

    """
    arguments = parts(constraint)
    if arguments is None:
        return None
    named = [] if name == "" else [keyword("name", name or literal(constraint.name))]
    module = POSTGRESQL if constraint.type == "x" else SQLALCHEMY
    positional, options = arguments
    return call(_FUNCTIONS[constraint.type], [*positional, *named, *options], module)


def parts(constraint: Constraint) -> tuple[list[Argument], list[Argument]] | None:
    """Return the positional arguments and the options of a constraint, or None."""
    if not _is_plain(constraint):
        return None
    if constraint.type == "x":
        return _exclusion(constraint)
    if _together(constraint) != constraint.definition.replace('"', ""):
        return None
    return _positional(constraint), [
        Source(f"{key}={value}") for key, value in _options(constraint)
    ]


def constraint_is_sayable(constraint: Constraint) -> bool:
    """Return whether parts() has all of a constraint; this is faster."""
    if constraint.type == "x":
        return parts(constraint) is not None
    return _is_plain(constraint) and _together(constraint) == constraint.definition.replace('"', "")


def redefined(constraint: Constraint, like: Constraint | None) -> Constraint:
    """Return a constraint with the definition that its parts give, after they have changed.

    Args:
        constraint: the constraint.
        like: one whose definition is taken if the parts give it; Postgres has put quotes there.

    """
    definition = _together(constraint) or constraint.definition
    if like is not None and like.definition.replace('"', "") == definition:
        definition = like.definition
    return replace(constraint, definition=definition)


def _is_plain(constraint: Constraint) -> bool:
    return not (constraint.clustered or constraint.replica_identity or constraint.inherited) and (
        constraint.comment is None
    )


def _positional(constraint: Constraint) -> list[Argument]:
    if constraint.type == "f" and constraint.reference:
        referred = [literal(column) for column in _referred(constraint.reference)]
        return [literals(constraint.columns), f"[{', '.join(referred)}]"]
    if constraint.type == "c":
        return [literal(escaped(unwrapped(constraint.expression or "")))]
    return [literal(column) for column in constraint.columns]


def _referred(reference: Reference) -> list[str]:
    table = dotted(reference.table)
    return [f"{table}.{column}" for column in reference.columns]


def dotted(table: Address) -> str:
    """Return "books", or "schema.books" outside the schema public."""
    return table.name if table.schema == "public" else f"{table.schema}.{table.name}"


def _options(constraint: Constraint) -> Iterator[tuple[str, str]]:
    if constraint.reference:
        for key, action in (
            ("onupdate", constraint.reference.on_update),
            ("ondelete", constraint.reference.on_delete),
        ):
            if action != "NO ACTION":
                yield key, literal(action)
        if constraint.reference.match != "SIMPLE":
            yield "match", literal(constraint.reference.match)
    yield from _timing(constraint)
    if constraint.include:
        yield "postgresql_include", literals(constraint.include)
    if constraint.nulls_not_distinct:
        yield "postgresql_nulls_not_distinct", "True"
    if not constraint.validated:
        yield "postgresql_not_valid", "True"


def _timing(constraint: Constraint) -> Iterator[tuple[str, str]]:
    if constraint.deferrable:
        yield "deferrable", "True"
    if constraint.deferred:
        yield "initially", literal("DEFERRED")


def _together(constraint: Constraint) -> str | None:
    """Return the definition as pg_get_constraintdef puts it together, without quotes."""
    inherited = constraint.type != "c" or not constraint.no_inherit
    if not (constraint.enforced and inherited) or constraint.options or _has_dots(constraint):
        return None
    body = _body(constraint)
    if body is None:
        return None
    words = [body]
    words += ["DEFERRABLE"] if constraint.deferrable else []
    words += ["INITIALLY DEFERRED"] if constraint.deferred else []
    words += ["NOT VALID"] if not constraint.validated else []
    return " ".join(words).replace('"', "")


def _body(constraint: Constraint) -> str | None:
    columns = ", ".join(constraint.columns)
    included = f" INCLUDE ({', '.join(constraint.include)})" if constraint.include else ""
    if constraint.type == "p":
        return f"PRIMARY KEY ({columns}){included}"
    if constraint.type == "u":
        nulls = "NULLS NOT DISTINCT " if constraint.nulls_not_distinct else ""
        return f"UNIQUE {nulls}({columns}){included}"
    if constraint.type == "c" and constraint.expression:
        return f"CHECK ({constraint.expression})"
    if constraint.type == "f" and constraint.reference:
        return f"FOREIGN KEY ({columns}) REFERENCES {_references(constraint.reference)}"
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


def _has_dots(constraint: Constraint) -> bool:
    # SQLAlchemy splits the target of a foreign key at its dots.
    refers = constraint.reference
    return refers is not None and any(
        "." in name for name in (refers.table.schema, refers.table.name, *refers.columns)
    )


def _exclusion(constraint: Constraint) -> tuple[list[Argument], list[Argument]] | None:
    whole = _EXCLUDE.fullmatch(constraint.definition)
    elements = [_ELEMENT.fullmatch(match) for match in whole[2].split(", ")] if whole else []
    if whole is None or not all(elements):
        return None
    matched = [(match[1].strip('"'), match[2]) for match in elements if match]
    pairs: list[Argument] = [f"({literal(on)}, {literal(with_)})" for on, with_ in matched]
    options: list[Argument] = [keyword("using", literal(whole[1]))]
    if whole[3]:
        options.append(keyword("where", text(unwrapped(whole[3]))))
    return pairs, [*options, *(f"{key}={value}" for key, value in _timing(constraint))]
