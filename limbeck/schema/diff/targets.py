"""How statements name an object: after COMMENT ON and DROP, and at the beginning of ALTER."""

from __future__ import annotations

from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.definitions import Definition
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Policy, Rule, Trigger
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.diff import sql
from limbeck.schema.sql.quoting import qualified, quote

ROUTINES = {"p": "PROCEDURE", "a": "AGGREGATE"}
KINDS = {"enum": "TYPE", "composite": "TYPE", "range": "TYPE"}


def target(item: Object) -> str:
    """Return the kind and name of an object as COMMENT ON and DROP take them."""
    if isinstance(item, Constraint | Trigger | Policy | Rule):
        table = qualified(item.schema, item.table)
        return f"{type(item).__name__.upper()} {quote(item.name)} ON {table}"
    if isinstance(item, Function):
        return f"{ROUTINES.get(item.kind, 'FUNCTION')} {_routine(item)}"
    if isinstance(item, Definition):
        return item.drop.removeprefix("DROP ").replace("IF EXISTS ", "").removesuffix(" CASCADE")
    if isinstance(item, Column):
        return f"COLUMN {of(item.address)}.{quote(item.name)}"
    return f"{_kind(item)} {of(item.address)}"


def _kind(item: Object) -> str:
    if isinstance(item, View) and item.materialized:
        return "MATERIALIZED VIEW"
    if isinstance(item, Table) and item.kind == "f":
        return "FOREIGN TABLE"
    return KINDS.get(item.address.kind, item.address.kind.upper())


def _routine(item: Function) -> str:
    """Return the name of a function with its argument types; an aggregate of none takes (*)."""
    identity = item.identity
    if item.kind == "a" and identity.endswith("()"):
        identity = identity.removesuffix("()") + "(*)"
    return f"{quote(item.schema)}.{identity}"


def altering(item: Object) -> str:
    """Return how an ALTER of an object begins; a column is altered through its table."""
    return sql.alter_column(item) if isinstance(item, Column) else f"ALTER {target(item)}"
