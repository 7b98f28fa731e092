"""What models say that cannot all be true."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from limbeck.entities import View, entities
from limbeck.errors import ModelsError
from limbeck.schema.sql.lexer import identifiers

MISSING_RELATION = re.compile(r'relation "(?:[^"]*\.)?([^".]+)" does not exist')


def refuse_two_enums(metadata: sa.MetaData) -> None:
    """Let no two enums of one name differ: SQLAlchemy would silently create only the first.

    Raises:
        ModelsError: two columns have enums of the same name with other values.

    """
    known: dict[tuple[str | None, str], tuple[list[str], str]] = {}
    for column, enum in _enums(metadata):
        if enum.name is None:
            continue
        labels, first = known.setdefault((enum.schema, enum.name), (list(enum.enums), column))
        if labels != list(enum.enums):
            raise ModelsError(
                f'the models declare the enum "{enum.name}" twice, with different values:\n'
                f"  {first}: {', '.join(labels)}\n  {column}: {', '.join(enum.enums)}",
                hint="Use one Enum for both columns, or give one of the two another name.",
            )


def _enums(metadata: sa.MetaData) -> Iterator[tuple[str, sa.Enum]]:
    for table in metadata.tables.values():
        for column in table.columns:
            found = column.type
            while isinstance(found, (sa.types.TypeDecorator, sa.ARRAY)):
                found = found.item_type if isinstance(found, sa.ARRAY) else found.impl_instance
            if isinstance(found, sa.Enum) and found.native_enum:
                yield f"{table.fullname}.{column.name}", found


def hint_on_views(metadata: sa.MetaData, said: str) -> str | None:
    """Return what to do where a view uses one that is not there yet."""
    found = MISSING_RELATION.search(said)
    views = {one.name: _words(one) for one in entities(metadata) if isinstance(one, View)}
    missing = found[1] if found else ""
    if missing not in views:
        return None
    circle = _reach(missing, views)
    if missing in circle:
        names = ", ".join(sorted(name for name in circle if missing in _reach(name, views)))
        return f"The views {names} use each other in a circle; Postgres has no such views."
    return f'The view "{missing}" is used before it is made: declare it earlier.'


def _words(view: View) -> frozenset[str]:
    text = view.create(postgresql.dialect())  # type: ignore[no-untyped-call]
    return frozenset(identifiers(text.partition(" AS ")[2]))


def _reach(name: str, views: Mapping[str, frozenset[str]]) -> set[str]:
    """Return the views that a view uses, at any depth."""
    found: set[str] = set()
    todo = [name]
    while todo:
        new = (views[todo.pop()] & views.keys()) - found
        found |= new
        todo += new
    return found
