"""Views and materialized views."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.views import View, ViewColumn
from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.arrays import settled
from limbeck.schema.catalog.queries.building import SPACES, Found, not_member, options

VIEWS: Final = f"""
SELECT c.oid, c.relnamespace, c.relname, pg_get_viewdef(c.oid), c.relkind = 'm', c.reloptions,
  c.relispopulated, CASE WHEN am.amname <> 'heap' THEN am.amname END
FROM pg_class c LEFT JOIN pg_am am ON am.oid = c.relam
WHERE c.relkind IN ('v', 'm') AND c.relnamespace = ANY {SPACES}
  AND {not_member(classes.RELATION, "c.oid")}
"""


def build_addresses(found: Found) -> None:
    """Keep where the views live, which their columns' defaults must know before they do."""
    for oid, space, name, *_ in found.rows["views"]:
        schema = found.schemas.get(space)
        if schema and found.filters.table(schema, name):
            found.relations[oid] = Address("view", schema, name)


def build(found: Found) -> None:
    """Keep the views that are asked for."""
    columns = _columns(found)
    for oid, _, name, definition, materialized, settings, populated, method in found.rows["views"]:
        address = found.relations.get(oid)
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
            comment=found.comment(classes.RELATION, oid),
        )
        found.add(classes.RELATION, oid, view)


def _columns(found: Found) -> dict[int, list[ViewColumn]]:
    views = {row[0] for row in found.rows["views"]}
    columns: dict[int, list[ViewColumn]] = {}
    for relation, number, name, type_, *_ in found.rows["columns"]:
        if relation in views:
            column = ViewColumn(
                name=name,
                type=type_,
                default=found.defaults.get((relation, number)),
                comment=found.comment(classes.RELATION, relation, number),
            )
            columns.setdefault(relation, []).append(column)
    return columns
