"""The table of kinds: how each kind of part is created, altered and dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from limbeck.dataclass import dataclass
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
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.statements import drop, only_comment
from limbeck.schema.diff.steps import Step

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


def never(_before: object, _after: object, _situation: Situation) -> None:
    """Refuse to alter a part in place."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of part is created, altered and dropped.

    `rank` is its place among the statements that could come next. `alter` returns None where a
    part has to be replaced.
    """

    rank: int
    create: Callable[[Any, Members, Situation], list[Step]]
    alter: Callable[[Any, Any, Situation], Alteration | None] = only_comment
    drop: Callable[[Any, Situation], list[Step]] = drop


def _definition(rank: int) -> Kind:
    return Kind(rank, others.create_definition, others.alter_definition, others.drop_definition)


KINDS: dict[str, Kind] = {
    "schema": Kind(0, others.create_schema),
    "extension": Kind(1, others.create_extension, others.alter_extension),
    "collation": Kind(2, types.create_collation, drop=types.drop),
    "enum": Kind(3, types.create_enum, types.alter_enum, types.drop),
    "composite": Kind(4, types.create_composite, types.alter_composite, types.drop),
    "domain": Kind(5, types.create_domain, types.alter_domain, types.drop),
    "domain_check": Kind(20, types.create_check, types.alter_check, types.drop_check),
    "range": Kind(6, types.create_range, drop=types.drop),
    **{kind: _definition(7) for kind in DEFINITIONS},
    "sequence": Kind(8, sequences.create, sequences.alter, sequences.drop),
    "table": Kind(9, tables.create, tables.alter, tables.drop),
    "attachment": Kind(10, tables.create_attachment, never, tables.drop_attachment),
    "inheritance": Kind(10, tables.create_inheritance, never, tables.drop_inheritance),
    "column": Kind(11, columns.create, columns.alter, columns.drop),
    "not_null": Kind(12, not_nulls.create, not_nulls.alter, not_nulls.drop),
    "identity": Kind(13, identities.create, identities.alter, identities.drop),
    "default": Kind(14, defaults.create, defaults.alter, defaults.drop),
    "ownership": Kind(
        15, sequences.create_ownership, sequences.alter_ownership, sequences.drop_ownership
    ),
    "constraint": Kind(16, constraints.create, constraints.alter, constraints.drop),
    "index": Kind(17, constraints.create_index, constraints.alter_index, constraints.drop_index),
    "statistics": Kind(18, others.create_statistics, others.alter_statistics),
    "function": Kind(19, routines.create, routines.alter),
    "view": Kind(20, views.create, views.alter),
    "rule": Kind(21, triggers.create, triggers.alter),
    "trigger": Kind(22, triggers.create, triggers.alter),
    "policy": Kind(23, triggers.create_policy, triggers.alter_policy),
    **{kind: _definition(24) for kind in LAST},
    "grant": Kind(25, grants.create, grants.alter, grants.drop),
    # Dropped first and created last, so that no other step of the change is affected.
    "default_grant": Kind(26, grants.create, grants.alter, grants.drop),
}
