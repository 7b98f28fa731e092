"""The value of an attribute as a person reads it, in one line and without Python's words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Identity, NotNull


def spelled(value: Any) -> str:
    """Return a value as text: SQL where there is a word for it, otherwise what it says."""
    if isinstance(value, NotNull):
        return " ".join(_not_null(value))
    if isinstance(value, Identity):
        kind = "ALWAYS" if value.always else "BY DEFAULT"
        options = spelled(value.options)
        return (
            f"GENERATED {kind} AS IDENTITY ({', '.join(filter(None, [value.sequence, options]))})"
        )
    if isinstance(value, tuple) and not isinstance(value, Address):
        return ", ".join(map(spelled, value))
    if is_dataclass(value):
        return ", ".join(f"{name} {spelled(each)}" for name, each in _unusual(value))
    return str(value)


def _not_null(value: NotNull) -> Iterator[str]:
    if value.name is not None:
        yield f"CONSTRAINT {value.name}"
    yield "NOT NULL"
    if value.no_inherit:
        yield "NO INHERIT"
    if not value.validated:
        yield "NOT VALID"
    if value.inherited:
        yield "inherited"
    if value.comment is not None:
        yield f"with the comment {value.comment}"


def _unusual(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields that have another value than by default."""
    for each in fields(value):
        own = getattr(value, each.name)
        if own is not None and (each.default is MISSING or own != each.default):
            yield each.name.replace("_", " "), own
