"""Operations as calls of Alembic's op.*, where those say exactly what the step does."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import singledispatch
from typing import TypeVar

from limbeck.models.source.columns import column, usual_not_null
from limbeck.models.source.constraints import constraint, parts
from limbeck.models.source.defaults import default
from limbeck.models.source.indexes import index
from limbeck.models.source.text import Argument, Source, call, keyword, literal, literals
from limbeck.models.source.types import type_
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.column_operations import (
    AddColumn,
    AlterDefault,
    AlterNotNull,
    AlterType,
    DropColumn,
    RenameColumn,
)
from limbeck.schema.diff.operations import (
    AddConstraint,
    Comment,
    CreateIndex,
    CreateTable,
    DropConstraint,
    DropIndex,
    DropTable,
    Operation,
    RenameTable,
)

_Item = TypeVar("_Item", Constraint, Index)

_OPTION = re.compile(r"(\w+)=([\w.]+)")
_CONSTRAINT_TYPES = {"p": "primary", "u": "unique", "f": "foreignkey", "c": "check"}


def call_of(operation: Operation, catalog: Catalog) -> Source | None:
    """Return the op.* call of an operation; None where Alembic cannot say it exactly."""
    return _call(operation, catalog)


@singledispatch
def _call(operation: Operation, catalog: Catalog) -> Source | None:  # noqa: ARG001 - dispatched
    return None


@_call.register
def _(operation: CreateTable, catalog: Catalog) -> Source | None:
    table = operation.table
    options = _table_options(table)
    keys = {name for one in operation.constraints if one.type == "p" for name in one.columns}
    serials = dict(operation.serials)
    pieces: list[Argument | None] = [literal(table.name)]
    pieces += [
        column(one, serials.get(one.name), catalog, primary_key=one.name in keys)
        for one in operation.columns
    ]
    pieces += [constraint(_bare(one), name=_name(one.name)) for one in operation.constraints]
    told = [piece for piece in pieces if piece is not None]
    if options is None or len(told) < len(pieces):
        return None
    return _spread(call("op.create_table", [*told, *options]), [*told, *options])


def _spread(whole: Source, arguments: list[Argument]) -> Source:
    """Return a call with an argument on each line."""
    texts = [one if isinstance(one, str) else one.text for one in arguments]
    function = whole.text.partition("(")[0]
    return replace(whole, text=f"{function}(\n    " + ",\n    ".join(texts) + ",\n)")


def _table_options(table: Table) -> list[Argument] | None:
    odd = (table.partition_of, table.inherits, table.of_type, table.server)
    if table.kind == "f" or any(odd) or not all(map(_OPTION.fullmatch, table.options)):
        return None
    told: list[Argument] = [*_schema(table.schema)]
    if table.unlogged:
        told.append('prefixes=["UNLOGGED"]')
    if table.partition_key is not None:
        told.append(keyword("postgresql_partition_by", literal(table.partition_key)))
    if table.access_method is not None:
        told.append(keyword("postgresql_using", literal(table.access_method)))
    if table.options:
        pairs = (option.split("=", 1) for option in table.options)
        values = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in pairs)
        told.append(f"postgresql_with={{{values}}}")
    if table.comment is not None:
        told.append(keyword("comment", literal(table.comment)))
    return told


@_call.register
def _(operation: DropTable, catalog: Catalog) -> Source | None:  # noqa: ARG001 - dispatched
    table = operation.table
    if table.kind == "f":
        return None
    return call("op.drop_table", [literal(table.name), *_schema(table.schema)])


@_call.register
def _(operation: AddColumn, catalog: Catalog) -> Source | None:
    found = operation.column
    spelled = column(found, operation.serial, catalog)
    if spelled is None:
        return None
    return call("op.add_column", [literal(found.table), spelled, *_schema(found.schema)])


@_call.register
def _(operation: DropColumn, catalog: Catalog) -> Source | None:  # noqa: ARG001 - dispatched
    found = operation.column
    return call(
        "op.drop_column", [literal(found.table), literal(found.name), *_schema(found.schema)]
    )


@_call.register
def _(operation: AlterType, catalog: Catalog) -> Source | None:
    before, after, using = operation.before, operation.after, operation.using
    existing = type_(before.type, catalog, collation=before.collation)
    spelled = type_(after.type, catalog, collation=after.collation)
    same = (before.type, before.collation) == (after.type, after.collation)
    if same or spelled is None or "%" in (using or ""):
        return None
    arguments = [keyword("existing_type", existing)] if existing else []
    arguments.append(keyword("type_", spelled))
    arguments += [keyword("postgresql_using", literal(using))] if using is not None else []
    return _alter(after, *arguments)


@_call.register
def _(operation: AlterDefault, catalog: Catalog) -> Source | None:  # noqa: ARG001 - dispatched
    before, after = operation.before, operation.after
    if not isinstance(after, Column) or after.generated or before == after:
        return None
    return _alter(after, keyword("server_default", default(after) or "None"))


@_call.register
def _(operation: AlterNotNull, catalog: Catalog) -> Source | None:  # noqa: ARG001 - dispatched
    before, after = operation.before, operation.after
    both = before.not_null and after.not_null
    if not isinstance(after, Column) or both or not usual_not_null(after):
        return None
    return _alter(after, f"nullable={after.not_null is None}")


def _alter(found: Column, *arguments: Argument) -> Source:
    names = [literal(found.table), literal(found.name)]
    return call("op.alter_column", [*names, *arguments, *_schema(found.schema)])


@_call.register
def _(operation: AddConstraint, catalog: Catalog) -> Source | None:  # noqa: ARG001 - dispatched
    found = _bare(operation.constraint)
    told = parts(found)
    if told is None:
        return None
    positional, options = told
    if found.type == "p":
        return None if options else _create("op.create_primary_key", found, _listed(positional))
    if found.type == "u":
        return _create("op.create_unique_constraint", found, _listed(positional), *options)
    if found.type == "f":
        return _foreign_key(found, options)
    function = {"c": "op.create_check_constraint", "x": "op.create_exclude_constraint"}[found.type]
    return _create(function, found, *positional, *options)


def _create(function: str, found: Constraint, *arguments: Argument) -> Source:
    names = [_name(found.name), literal(found.table)]
    return call(function, [*names, *arguments, *_schema(found.schema)])


def _listed(positional: list[Argument]) -> Source:
    return Source(f"[{', '.join(one if isinstance(one, str) else one.text for one in positional)}]")


def _foreign_key(found: Constraint, options: list[Argument]) -> Source | None:
    refers = found.reference
    if refers is None:
        return None
    names = [_name(found.name), literal(found.table), literal(refers.table.name)]
    columns = [literals(found.columns), literals(refers.columns)]
    schemas = [
        *_schema(found.schema, "source_schema"),
        *_schema(refers.table.schema, "referent_schema"),
    ]
    return call("op.create_foreign_key", [*names, *columns, *options, *schemas])


@_call.register
def _(operation: DropConstraint, catalog: Catalog) -> Source | None:  # noqa: ARG001 - dispatched
    found = operation.constraint
    kind = _CONSTRAINT_TYPES.get(found.type)
    told = [keyword("type_", literal(kind))] if kind else []
    names = [_name(found.name), literal(found.table)]
    return call("op.drop_constraint", [*names, *told, *_schema(found.schema)])


@_call.register
def _(operation: CreateIndex, catalog: Catalog) -> Source | None:  # noqa: ARG001 - dispatched
    found = operation.index
    told = index(_bare(replace(found, statistics=())))
    if told is None:
        return None
    keys, options = told
    unique = ["unique=True"] if found.unique else []
    arguments = [_name(found.name), literal(found.table.name), keys, *unique, *options]
    how = _concurrently(operation)
    return call("op.create_index", [*arguments, *how, *_schema(found.schema)])


def _concurrently(operation: CreateIndex | DropIndex) -> list[Argument]:
    return ["postgresql_concurrently=True"] if operation.concurrently else []


@_call.register
def _(operation: DropIndex, catalog: Catalog) -> Source | None:  # noqa: ARG001 - dispatched
    found = operation.index
    table = keyword("table_name", literal(found.table.name))
    arguments = [_name(found.name), table, *_concurrently(operation)]
    return call("op.drop_index", [*arguments, *_schema(found.schema)])


@_call.register
def _(operation: RenameTable, catalog: Catalog) -> Source | None:  # noqa: ARG001 - dispatched
    table = operation.table
    if table.kind == "f":
        return None
    names = [literal(table.name), literal(operation.name)]
    return call("op.rename_table", [*names, *_schema(table.schema)])


@_call.register
def _(operation: RenameColumn, catalog: Catalog) -> Source | None:  # noqa: ARG001 - dispatched
    return _alter(operation.column, keyword("new_column_name", literal(operation.name)))


@_call.register
def _(operation: Comment, catalog: Catalog) -> Source | None:  # noqa: ARG001 - dispatched
    item, text, before = operation.item, operation.text, operation.before
    existing = [keyword("existing_comment", literal(before))] if before is not None else []
    if isinstance(item, Column):
        comment = literal(text) if text is not None else "None"
        return _alter(item, keyword("comment", comment), *existing)
    if not isinstance(item, Table) or item.kind == "f":
        return None
    function = "op.drop_table_comment" if text is None else "op.create_table_comment"
    names = [literal(item.name), *([] if text is None else [literal(text)])]
    return call(function, [*names, *existing, *_schema(item.schema)])


def _schema(schema: str, name: str = "schema") -> list[Argument]:
    return [] if schema == "public" else [keyword(name, literal(schema))]


def _name(name: str) -> str:
    # op.f() keeps the project's naming convention from being applied to the name again.
    return f"op.f({literal(name)})"


def _bare(item: _Item) -> _Item:
    # Comments and marks have steps of their own.
    return replace(item, comment=None, clustered=False, replica_identity=False)
