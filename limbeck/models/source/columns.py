"""Columns as sa.Column(...), for revisions."""

from __future__ import annotations

from dataclasses import replace

from limbeck.models.source.defaults import default, identity
from limbeck.models.source.text import SQLALCHEMY, Argument, Source, call, keyword, literal
from limbeck.models.source.types import type_
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.sequences import Sequence

_INTEGERS = frozenset({"smallint", "integer", "bigint"})


def column(
    column: Column,
    serial: Sequence | None,
    catalog: Catalog,
    *,
    primary_key: bool = False,
    create_type: bool = False,
) -> Source | None:
    """Return sa.Column(...), or None where SQLAlchemy cannot create exactly this column.

    Args:
        column: the column.
        serial: its own sequence, if it is a serial column.
        catalog: the catalog with its type.
        primary_key: whether the same CREATE TABLE makes it (part of) the primary key.
        create_type: whether creating the table creates the enum that the column uses.

    """
    if serial:
        column = replace(column, default=None)  # a serial implies it
    spelled = type_(column.type, catalog, collation=column.collation, create_type=create_type)
    if spelled is None or not _sayable(column) or (serial and not primary_key):
        return None
    arguments: list[Argument] = [literal(column.name), spelled]
    if column.identity:
        generator = identity(column)
        if generator is None:
            return None
        arguments.append(generator)
    if filled := default(column):
        arguments.append(filled if column.generated else keyword("server_default", filled))
    if primary_key and column.type in _INTEGERS and not column.identity and not column.default:
        # Otherwise SQLAlchemy makes the integer key of a table a serial.
        arguments.append(f"autoincrement={serial is not None}")
    arguments.append(f"nullable={column.not_null is None}")
    if column.comment is not None:
        arguments.append(keyword("comment", literal(column.comment)))
    return call("sa.Column", arguments, SQLALCHEMY)


def _sayable(column: Column) -> bool:
    plain = (column.storage, column.compression, column.statistics) == (None, None, None)
    return plain and not column.options and not column.inherited and usual_not_null(column)


def usual_not_null(column: Column) -> bool:
    """Return whether a bare NOT NULL would create the column's NOT NULL constraint, if any."""
    constraint = column.not_null
    if constraint is None:
        return True
    if constraint.no_inherit or not constraint.validated or constraint.comment is not None:
        return False
    return constraint.name in {None, chosen_name(column.table, column.name, "not_null")}
