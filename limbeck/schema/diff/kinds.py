"""The one table of kinds: to add a kind of object is to add a line here."""

from __future__ import annotations

from limbeck.schema.diff import (
    columns,
    constraints,
    defaults,
    grants,
    identities,
    not_nulls,
    others,
    routines,
    sequences,
    tables,
    triggers,
    types,
    views,
)
from limbeck.schema.diff.situation import Kind, never
from limbeck.schema.diff.statements import drop

DEFINITIONS = (
    "operator",
    "operator_family",
    "operator_class",
    "cast",
    "text_search_parser",
    "text_search_template",
    "text_search_dictionary",
    "text_search_configuration",
    "foreign_data_wrapper",
    "server",
    "conversion",
)
LAST = ("publication", "event_trigger")


def _definition(rank: int) -> Kind:
    return Kind(rank, others.create_definition, others.drop_definition, others.alter_definition)


KINDS: dict[str, Kind] = {
    "schema": Kind(0, others.create_schema, drop, others.alter_schema),
    "extension": Kind(1, others.create_extension, drop, others.alter_extension),
    "collation": Kind(2, types.create_collation, types.drop, types.only_comment),
    "enum": Kind(3, types.create_enum, types.drop, types.alter_enum),
    "composite": Kind(4, types.create_composite, types.drop, types.alter_composite),
    "domain": Kind(5, types.create_domain, types.drop, types.alter_domain),
    "domain_check": Kind(20, types.create_check, types.drop_check, types.alter_check),
    "range": Kind(6, types.create_range, types.drop, types.only_comment),
    **{kind: _definition(7) for kind in DEFINITIONS},
    "sequence": Kind(8, sequences.create, sequences.drop, sequences.alter),
    "table": Kind(9, tables.create, tables.drop, tables.alter),
    "attachment": Kind(10, tables.create_attachment, tables.drop_attachment, never),
    "inheritance": Kind(10, tables.create_inheritance, tables.drop_inheritance, never),
    "column": Kind(11, columns.create, columns.drop, columns.alter),
    "not_null": Kind(12, not_nulls.create, not_nulls.drop, not_nulls.alter),
    "identity": Kind(13, identities.create, identities.drop, identities.alter),
    "default": Kind(14, defaults.create, defaults.drop, defaults.alter),
    "ownership": Kind(
        15, sequences.create_ownership, sequences.drop_ownership, sequences.alter_ownership
    ),
    "constraint": Kind(16, constraints.create, constraints.drop, constraints.alter),
    "index": Kind(17, constraints.create_index, constraints.drop_index, constraints.alter_index),
    "statistics": Kind(18, others.create_statistics, drop, others.alter_statistics),
    "function": Kind(19, routines.create, drop, routines.alter),
    "view": Kind(20, views.create, drop, views.alter),
    "rule": Kind(21, triggers.create, drop, triggers.alter),
    "trigger": Kind(22, triggers.create, drop, triggers.alter),
    "policy": Kind(23, triggers.create_policy, drop, triggers.alter_policy),
    **{kind: _definition(24) for kind in LAST},
    "grant": Kind(25, grants.create, grants.drop, grants.alter),
    # Dropped first and created last, so that no other step has to do with it.
    "default_grant": Kind(26, grants.create_default, grants.drop_default, grants.alter_default),
}
