"""Views and materialized views."""

from __future__ import annotations

from limbeck.schema.catalog.builders.arrays import settled
from limbeck.schema.catalog.builders.reading import Reading, options
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.views import View, ViewColumn
from limbeck.schema.catalog.queries import classes


def build_addresses(reading: Reading) -> None:
    """Add the addresses of views: the defaults of their columns are built before the views."""
    for oid, space, name, *_ in reading.rows["views"]:
        schema = reading.schemas.get(space)
        if schema and reading.filters.table(schema, name):
            reading.relations[oid] = Address("view", schema, name)


def build(reading: Reading) -> None:
    """Add the views that the filters select."""
    columns = _columns(reading)
    for oid, _, name, definition, materialized, settings, populated, method in reading.rows[
        "views"
    ]:
        address = reading.relations.get(oid)
        if address is None:
            continue
        view = View(
            schema=address.schema,
            name=name,
            definition=settled(definition).strip().removesuffix(";"),
            materialized=materialized,
            options=options(settings),
            columns=tuple(columns.get(oid, ())),
            populated=populated,
            access_method=method,
            comment=reading.comment(classes.RELATION, oid),
        )
        reading.add(classes.RELATION, oid, view)


def _columns(reading: Reading) -> dict[int, list[ViewColumn]]:
    views = {row[0] for row in reading.rows["views"]}
    columns: dict[int, list[ViewColumn]] = {}
    for relation, number, name, type_, *_ in reading.rows["columns"]:
        if relation in views:
            column = ViewColumn(
                name=name,
                type=type_,
                default=reading.defaults.get((relation, number)),
                comment=reading.comment(classes.RELATION, relation, number),
            )
            columns.setdefault(relation, []).append(column)
    return columns
