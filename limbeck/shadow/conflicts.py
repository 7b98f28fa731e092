"""Contradictions within a MetaData; `creation` looks for them before and after Postgres does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from limbeck.entities import View, entities
from limbeck.errors import ModelsError
from limbeck.schema.sql.lexer import identifiers

MISSING_RELATION = re.compile(r'relation "(?:[^"]*\.)?([^".]+)" does not exist')


def refuse_two_enums(metadata: sa.MetaData) -> None:
    """Refuse two enums of one name with different values; SQLAlchemy creates only the first.

    Raises:
        ModelsError: names the two columns and their values.

    """
    refuse_different(
        (enum.schema, enum.name, column, tuple(enum.enums))
        for column, enum in _enums(metadata)
        if enum.name is not None
    )


def refuse_different(enums: Iterable[tuple[str | None, str, str, tuple[str, ...]]]) -> None:
    """Refuse two enums of one name, each given with its schema, name, column and values."""
    known: dict[tuple[str | None, str], tuple[tuple[str, ...], str]] = {}
    for schema, name, column, values in enums:
        labels, first = known.setdefault((schema, name), (values, column))
        if labels != values:
            raise ModelsError(
                f'the models declare the enum "{name}" twice, with different values:\n'
                f"  {first}: {', '.join(labels)}\n  {column}: {', '.join(values)}",
                hint="Use one Enum for both columns, or rename one of the two.",
            )


def _enums(metadata: sa.MetaData) -> Iterator[tuple[str, sa.Enum]]:
    """Yield the enums of all columns, also those inside of arrays and decorators."""
    for table in metadata.tables.values():
        for column in table.columns:
            type_ = column.type
            while isinstance(type_, (sa.types.TypeDecorator, sa.ARRAY)):
                type_ = type_.item_type if isinstance(type_, sa.ARRAY) else type_.impl_instance
            if isinstance(type_, sa.Enum) and type_.native_enum:
                yield f"{table.fullname}.{column.name}", type_


def hint_on_views(metadata: sa.MetaData, message: str) -> str | None:
    """Return a hint where a view of the models uses another one that does not exist yet.

    Views are created in the order of their declaration; `message` is that of Postgres.
    """
    match = MISSING_RELATION.search(message)
    views = {view.name: _words(view) for view in entities(metadata) if isinstance(view, View)}
    missing = match[1] if match else ""
    if missing not in views:
        return None
    circle = _reach(missing, views)
    if missing in circle:
        names = ", ".join(sorted(name for name in circle if missing in _reach(name, views)))
        return f"The views {names} use each other in a circle, which Postgres cannot create."
    return f'Declare the view "{missing}" before the view that uses it.'


def _words(view: View) -> frozenset[str]:
    text = view.create(postgresql.dialect())  # type: ignore[no-untyped-call]
    return frozenset(identifiers(text.partition(" AS ")[2]))


def _reach(name: str, views: Mapping[str, frozenset[str]]) -> set[str]:
    """Return the views that a view uses, directly or through others."""
    reached: set[str] = set()
    pending = [name]
    while pending:
        new = (views[pending.pop()] & views.keys()) - reached
        reached |= new
        pending += new
    return reached
