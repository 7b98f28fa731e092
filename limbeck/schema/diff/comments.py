"""COMMENT ON, for everything that can have one."""

from __future__ import annotations

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.definitions import Definition
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Policy, Rule, Trigger
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.diff import sql
from limbeck.schema.diff.steps import CommentOnColumn, CommentOnTable, Operation, Step

ROUTINES = {"p": "PROCEDURE", "a": "AGGREGATE"}
KINDS = {"enum": "TYPE", "composite": "TYPE", "range": "TYPE"}


def on(item: Object, before: str | None = None) -> list[Step]:
    """Comment on an object as it says, where it does not already have that comment."""
    comment = getattr(item, "comment", None)
    if comment == before:
        return []
    return [step(item.address, target(item), comment, _operation(item, before))]


def step(
    address: Address, name: str, comment: str | None, operation: Operation | None = None
) -> Step:
    """Comment on what `name` spells; None takes the comment away."""
    text = "NULL" if comment is None else sql.literal(comment)
    return Step(f"COMMENT ON {name} IS {text}", "alter", address, operation)


def _operation(item: Object, before: str | None) -> Operation | None:
    return CommentOnTable(item, before) if isinstance(item, Table) else None


def on_column(item: object, address: Address, comment: str | None, before: str | None) -> Step:
    """Comment on a column of a table, a view or a composite type."""
    name = f"COLUMN {sql.of(address)}.{sql.quote(address.part)}"
    operation = CommentOnColumn(item, before) if isinstance(item, Column) else None
    return step(address, name, comment, operation)


def target(item: Object) -> str:
    """Spell an object as COMMENT ON and DROP name it."""
    if isinstance(item, Constraint | Trigger | Policy | Rule):
        table = sql.qualified(item.schema, item.table)
        return f"{type(item).__name__.upper()} {sql.quote(item.name)} ON {table}"
    if isinstance(item, Function):
        return f"{ROUTINES.get(item.kind, 'FUNCTION')} {routine(item)}"
    if isinstance(item, Definition):
        return item.drop.removeprefix("DROP ").replace("IF EXISTS ", "").removesuffix(" CASCADE")
    if isinstance(item, View) and item.materialized:
        return f"MATERIALIZED VIEW {sql.of(item.address)}"
    if isinstance(item, Table) and item.kind == "f":
        return f"FOREIGN TABLE {sql.of(item.address)}"
    address = item.address
    return f"{KINDS.get(address.kind, address.kind.upper())} {sql.of(address)}"


def routine(item: Function) -> str:
    """Spell a function with its argument types, as DROP FUNCTION takes them."""
    identity = item.identity
    if item.kind == "a" and identity.endswith("()"):
        identity = identity.removesuffix("()") + "(*)"
    return f"{sql.quote(item.schema)}.{identity}"
