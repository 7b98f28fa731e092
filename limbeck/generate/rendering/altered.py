"""What op.alter_column is told of one change of a column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields

from limbeck.models.source.columns import usual_not_null
from limbeck.models.source.defaults import default
from limbeck.models.source.text import Argument, keyword, literal
from limbeck.models.source.types import type_
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.diff.steps import AlterColumn


def altered(operation: AlterColumn, catalog: Catalog) -> list[Argument] | None:
    """Return the arguments that say the change; None where Alembic cannot say it exactly."""
    before, after = operation.before, operation.after
    changed = {
        one.name
        for one in fields(Column)
        if one.compare and getattr(before, one.name) != getattr(after, one.name)
    }
    alter = _ALTERED.get(frozenset(changed))
    return alter(operation, catalog) if alter else None


def _altered_type(operation: AlterColumn, catalog: Catalog) -> list[Argument] | None:
    before, after = operation.before, operation.after
    existing = type_(before.type, catalog, collation=before.collation)
    spelled = type_(after.type, catalog, collation=after.collation)
    if spelled is None or "%" in (operation.using or ""):
        return None
    told: list[Argument] = [keyword("existing_type", existing)] if existing else []
    told.append(keyword("type_", spelled))
    if operation.using is not None:
        told.append(keyword("postgresql_using", literal(operation.using)))
    return told


def _altered_default(operation: AlterColumn, catalog: Catalog) -> list[Argument] | None:  # noqa: ARG001 - in a table
    if operation.before.generated or operation.after.generated:
        return None
    return [keyword("server_default", default(operation.after) or "None")]


def _altered_not_null(operation: AlterColumn, catalog: Catalog) -> list[Argument] | None:  # noqa: ARG001 - in a table
    before, after = operation.before, operation.after
    if not usual_not_null(after) or (before.not_null and after.not_null):
        return None
    return [f"nullable={after.not_null is None}"]


_Altered = Callable[[AlterColumn, Catalog], list[Argument] | None]
_ALTERED: Mapping[frozenset[str], _Altered] = {
    frozenset({"type"}): _altered_type,
    frozenset({"collation"}): _altered_type,
    frozenset({"type", "collation"}): _altered_type,
    frozenset({"default"}): _altered_default,
    frozenset({"not_null"}): _altered_not_null,
}
