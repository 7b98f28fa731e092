"""Operations as calls of Alembic's `op.*`, where such a call runs exactly the same statement."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import singledispatch
from typing import TypeVar

from limbeck.models.source.columns import column as column_source
from limbeck.models.source.columns import usual_not_null
from limbeck.models.source.constraints import constraint as constraint_source
from limbeck.models.source.constraints import parts
from limbeck.models.source.defaults import default
from limbeck.models.source.indexes import index as index_source
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

_Marked = TypeVar("_Marked", Constraint, Index)

# Storage parameters whose values SQLAlchemy writes as they are; others need quotes.
_OPTION = re.compile(r"(\w+)=([\w.]+)")
_CONSTRAINT_TYPES = {"p": "primary", "u": "unique", "f": "foreignkey", "c": "check"}


def call_of(operation: Operation, catalog: Catalog) -> Source | None:
    """Return the `op.*` call for an operation, or None if Alembic has no exact one.

    Args:
        operation: The operation of a step.
        catalog: The objects of both sides; types are looked up in it.

    """
    return _call(operation, catalog)


@singledispatch
def _call(_operation: Operation, _catalog: Catalog) -> Source | None:
    return None


@_call.register
def _(operation: CreateTable, catalog: Catalog) -> Source | None:
    table, serials = operation.item, dict(operation.serials)
    options = _table_options(table)
    keys = {name for key in operation.constraints if key.type == "p" for name in key.columns}
    pieces: list[Argument | None] = [literal(table.name)]
    pieces += [
        column_source(column, serials.get(column.name), catalog, primary_key=column.name in keys)
        for column in operation.columns
    ]
    pieces += [
        constraint_source(_bare(constraint), name=_name(constraint.name))
        for constraint in operation.constraints
    ]
    arguments = [piece for piece in pieces if piece is not None]
    if options is None or len(arguments) < len(pieces):
        return None
    return _one_a_line(call("op.create_table", [*arguments, *options]), [*arguments, *options])


def _one_a_line(whole: Source, arguments: list[Argument]) -> Source:
    """Return a call with each argument on a line of its own."""
    function = whole.text.partition("(")[0]
    lines = ",\n    ".join(map(_text, arguments))
    return replace(whole, text=f"{function}(\n    {lines},\n)")


def _text(argument: Argument) -> str:
    return argument if isinstance(argument, str) else argument.text


def _table_options(table: Table) -> list[Argument] | None:
    """Return the keyword arguments of op.create_table; None if it has none for an attribute."""
    odd = (table.partition_of, table.inherits, table.of_type, table.server)
    if table.kind == "f" or any(odd) or not all(map(_OPTION.fullmatch, table.options)):
        return None
    arguments: list[Argument] = [*_schema(table.schema)]
    if table.unlogged:
        arguments.append('prefixes=["UNLOGGED"]')
    if table.partition_key is not None:
        arguments.append(keyword("postgresql_partition_by", literal(table.partition_key)))
    if table.access_method is not None:
        arguments.append(keyword("postgresql_using", literal(table.access_method)))
    if table.options:
        pairs = (option.split("=", 1) for option in table.options)
        values = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in pairs)
        arguments.append(f"postgresql_with={{{values}}}")
    if table.comment is not None:
        arguments.append(keyword("comment", literal(table.comment)))
    return arguments


@_call.register
def _(operation: DropTable, _catalog: Catalog) -> Source | None:
    table = operation.item
    if table.kind == "f":
        return None
    return call("op.drop_table", [literal(table.name), *_schema(table.schema)])


@_call.register
def _(operation: RenameTable, _catalog: Catalog) -> Source | None:
    table = operation.table
    if table.kind == "f":
        return None
    names = [literal(table.name), literal(operation.name)]
    return call("op.rename_table", [*names, *_schema(table.schema)])


@_call.register
def _(operation: AddColumn, catalog: Catalog) -> Source | None:
    column = operation.item
    source = column_source(column, operation.serial, catalog)
    if source is None:
        return None
    return call("op.add_column", [literal(column.table), source, *_schema(column.schema)])


@_call.register
def _(operation: DropColumn, _catalog: Catalog) -> Source | None:
    return _on_column("op.drop_column", operation.item)


@_call.register
def _(operation: RenameColumn, _catalog: Catalog) -> Source | None:
    new_name = keyword("new_column_name", literal(operation.name))
    return _on_column("op.alter_column", operation.item, new_name)


@_call.register
def _(operation: AlterType, catalog: Catalog) -> Source | None:
    before, after, using = operation.before, operation.after, operation.using
    existing = type_(before.type, catalog, collation=before.collation)
    wanted = type_(after.type, catalog, collation=after.collation)
    # The name of a type that is re-created under it does not change. Alembic passes the
    # expression of USING to the driver as it is, and the driver takes % for a parameter.
    same = (before.type, before.collation) == (after.type, after.collation)
    if same or wanted is None or "%" in (using or ""):
        return None
    arguments = [keyword("existing_type", existing)] if existing else []
    arguments.append(keyword("type_", wanted))
    arguments += [keyword("postgresql_using", literal(using))] if using is not None else []
    return _on_column("op.alter_column", after, *arguments)


@_call.register
def _(operation: AlterDefault, _catalog: Catalog) -> Source | None:
    before, after = operation.before, operation.after
    if not isinstance(after, Column) or after.generated or before == after:
        return None
    server_default = keyword("server_default", default(after) or "None")
    return _on_column("op.alter_column", after, server_default)


@_call.register
def _(operation: AlterNotNull, _catalog: Catalog) -> Source | None:
    before, after = operation.before, operation.after
    both = before.not_null and after.not_null
    if not isinstance(after, Column) or both or not usual_not_null(after):
        return None
    return _on_column("op.alter_column", after, f"nullable={after.not_null is None}")


def _on_column(function: str, column: Column, *arguments: Argument) -> Source:
    names = [literal(column.table), literal(column.name)]
    return call(function, [*names, *arguments, *_schema(column.schema)])


@_call.register
def _(operation: AddConstraint, _catalog: Catalog) -> Source | None:
    constraint = _bare(operation.item)
    arguments = parts(constraint)
    if arguments is None:
        return None
    positional, options = arguments
    columns = f"[{', '.join(map(_text, positional))}]"
    if constraint.type == "p":
        return None if options else _create("op.create_primary_key", constraint, columns)
    if constraint.type == "u":
        return _create("op.create_unique_constraint", constraint, columns, *options)
    if constraint.type == "f":
        return _foreign_key(constraint, options)
    check = constraint.type == "c"
    function = "op.create_check_constraint" if check else "op.create_exclude_constraint"
    return _create(function, constraint, *positional, *options)


def _create(function: str, constraint: Constraint, *arguments: Argument) -> Source:
    names = [_name(constraint.name), literal(constraint.table)]
    return call(function, [*names, *arguments, *_schema(constraint.schema)])


def _foreign_key(constraint: Constraint, options: list[Argument]) -> Source | None:
    refers = constraint.reference
    if refers is None:
        return None
    names = [_name(constraint.name), literal(constraint.table), literal(refers.table.name)]
    columns = [literals(constraint.columns), literals(refers.columns)]
    schemas = [
        *_schema(constraint.schema, "source_schema"),
        *_schema(refers.table.schema, "referent_schema"),
    ]
    return call("op.create_foreign_key", [*names, *columns, *options, *schemas])


@_call.register
def _(operation: DropConstraint, _catalog: Catalog) -> Source | None:
    kind = _CONSTRAINT_TYPES.get(operation.item.type)
    arguments = [keyword("type_", literal(kind))] if kind else []
    return _create("op.drop_constraint", operation.item, *arguments)


@_call.register
def _(operation: CreateIndex, _catalog: Catalog) -> Source | None:
    index = operation.item
    arguments = index_source(_bare(replace(index, statistics=())))
    if arguments is None:
        return None
    keys, options = arguments
    unique = ["unique=True"] if index.unique else []
    names = [_name(index.name), literal(index.table.name)]
    how = [*unique, *options, *_concurrently(operation), *_schema(index.schema)]
    return call("op.create_index", [*names, keys, *how])


@_call.register
def _(operation: DropIndex, _catalog: Catalog) -> Source | None:
    index = operation.item
    table = keyword("table_name", literal(index.table.name))
    arguments = [_name(index.name), table, *_concurrently(operation), *_schema(index.schema)]
    return call("op.drop_index", arguments)


def _concurrently(operation: CreateIndex | DropIndex) -> list[Argument]:
    return ["postgresql_concurrently=True"] if operation.concurrently else []


@_call.register
def _(operation: Comment, _catalog: Catalog) -> Source | None:
    item, text, before = operation.item, operation.text, operation.before
    existing = [keyword("existing_comment", literal(before))] if before is not None else []
    if isinstance(item, Column):
        comment = keyword("comment", literal(text) if text is not None else "None")
        return _on_column("op.alter_column", item, comment, *existing)
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


def _bare(item: _Marked) -> _Marked:
    # Comments and marks have steps of their own.
    return replace(item, comment=None, clustered=False, replica_identity=False)
