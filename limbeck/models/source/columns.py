"""Columns."""

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
    found: Column,
    serial: Sequence | None,
    catalog: Catalog,
    *,
    primary_key: bool = False,
    create_type: bool = False,
) -> Source | None:
    """Return sa.Column(...), or None where SQLAlchemy cannot say the column exactly.

    Args:
        found: the column.
        serial: its own sequence, where it is a serial column.
        catalog: where its type is looked up.
        primary_key: whether the same CREATE TABLE makes it (part of) the primary key.
        create_type: as in type_.

    """
    if serial:
        found = replace(found, default=None)  # which the serial brings along
    spelled = type_(found.type, catalog, collation=found.collation, create_type=create_type)
    if spelled is None or not _sayable(found) or (serial and not primary_key):
        return None
    arguments: list[Argument] = [literal(found.name), spelled]
    if found.identity:
        generator = identity(found)
        if generator is None:
            return None
        arguments.append(generator)
    if filled := default(found):
        arguments.append(filled if found.generated else keyword("server_default", filled))
    if primary_key and found.type in _INTEGERS and not found.identity and not found.default:
        # SQLAlchemy makes a serial of the integer key of a table unless it is told.
        arguments.append(f"autoincrement={serial is not None}")
    arguments.append(f"nullable={found.not_null is None}")
    if found.comment is not None:
        arguments.append(keyword("comment", literal(found.comment)))
    return call("sa.Column", arguments, SQLALCHEMY)


def _sayable(found: Column) -> bool:
    plain = (found.storage, found.compression, found.statistics) == (None, None, None)
    return plain and not found.options and not found.inherited and usual_not_null(found)


def usual_not_null(found: Column) -> bool:
    """Say whether the column's NOT NULL (if any) is what a bare NOT NULL makes."""
    constraint = found.not_null
    if constraint is None:
        return True
    if constraint.no_inherit or not constraint.validated or constraint.comment is not None:
        return False
    return constraint.name in {None, chosen_name(found.table, found.name, "not_null")}
