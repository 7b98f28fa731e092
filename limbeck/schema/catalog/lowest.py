"""A catalog as an older major holds the same objects, which that major's SQL can lead to.

Where a project declares several majors, its revisions are written for the lowest of them and proved
on a newer one. What only the newer one stores, and no SQL of the older one can state, is no
difference then: above all the names that Postgres 18 gives to every NOT NULL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.grants import DefaultGrant, Grant
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Domain
from limbeck.schema.catalog.queries.privileges import OF_TABLES
from limbeck.schema.sql import forms


def written_for(catalog: Catalog, major: int) -> Catalog:
    """Return a catalog whose differences SQL of this major can make.

    The properties that a user has to ask for stay, whether the major has them or not:
    `schema.diff.requirements` refuses to write those.
    """
    target = min(major, catalog.lowest_major)
    if catalog.target == target or forms.NAMED_NOT_NULLS.exists(target):
        return catalog if target == catalog.lowest_major else replace(catalog, target=target)
    objects = catalog.objects
    changed = {item.address: item for item in _changed(objects, target)}
    return replace(catalog, objects={**objects, **changed}, target=target)


def _changed(objects: Mapping[Address, Object], major: int) -> Iterator[Object]:
    for item in objects.values():
        if isinstance(item, Column) and item.not_null:
            yield _unnamed(item, objects)
        elif isinstance(item, Domain) and not forms.NAMED_NOT_NULLS_OF_DOMAINS.exists(major):
            yield replace(item, not_null_name=None)
        elif isinstance(item, Sequence) and not forms.UNLOGGED_SEQUENCES.exists(major):
            yield _logged(item, objects)
        elif isinstance(item, Grant | DefaultGrant) and not forms.MAINTAIN.exists(major):
            yield _without_maintain(item)


def _unnamed(column: Column, objects: Mapping[Address, Object]) -> Column:
    """Return a column whose NOT NULL has no name, and is its parents' if they have one."""
    inherited = _is_passed_on(column, objects)
    old = column.not_null
    if old is None or (old.name is None and old.inherited == inherited):
        return column
    return replace(column, not_null=replace(old, name=None, inherited=inherited))


def _logged(sequence: Sequence, objects: Mapping[Address, Object]) -> Sequence:
    """Return a sequence that is unlogged only if somebody asked for it.

    Since Postgres 15, that of a column of an unlogged table is unlogged without being asked.
    """
    owner = sequence.owned_by
    table = objects.get(Address("table", owner.schema, owner.name)) if owner else None
    follows = isinstance(table, Table) and table.unlogged
    return replace(sequence, unlogged=False) if follows else sequence


def _without_maintain(grant: Grant | DefaultGrant) -> Grant | DefaultGrant:
    """Return a grant of all privileges on a table as majors without MAINTAIN have it."""
    return replace(grant, privileges=_older(grant.privileges), grantable=_older(grant.grantable))


def _older(privileges: tuple[str, ...]) -> tuple[str, ...]:
    return OF_TABLES if set(privileges) == {*OF_TABLES, "MAINTAIN"} else privileges


def _is_passed_on(column: Column, objects: Mapping[Address, Object]) -> bool:
    """Return whether a parent's column is NOT NULL, which its children then are as well.

    Majors before 18 do not record it, but ALTER TABLE of the parent changes the children, too:
    ATSimpleRecursion() in src/backend/commands/tablecmds.c.
    """
    table = objects.get(Address("table", column.schema, column.table))
    if not column.inherited or not isinstance(table, Table):
        return False
    parents = (table.partition_of,) if table.partition_of else table.inherits
    above = (objects.get(Address("column", at.schema, at.name, column.name)) for at in parents)
    return any(isinstance(parent, Column) and parent.not_null for parent in above)
