"""Definitions that Postgres spells in another way when it reads its own spelling.

`proving` asks for them: they are no difference between the models and the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from psycopg import sql

from limbeck.postgres.connect import Connection
from limbeck.schema.catalog.catalog import Change
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.views import View

_NAME = "limbeck_proof"


def respelled(changes: Iterable[Change], scratch: Connection) -> tuple[Change, ...]:
    """Return the changes that are no difference: the source's text, read again, gives the other.

    Args:
        changes: from the source (before) to the scratch database (after).
        scratch: a connection to that database; every attempt is rolled back.

    """
    return tuple(change for change in changes if _is_respelled(change, scratch))


def _is_respelled(change: Change, scratch: Connection) -> bool:
    before, after = change.before, change.after
    if isinstance(before, Constraint) and isinstance(after, Constraint):
        alike = replace(before, definition="") == replace(after, definition="")
        checks = before.type == "c" and before.validated
        return alike and checks and _constraint(before, scratch) == after.definition
    if isinstance(before, View) and isinstance(after, View):
        alike = replace(before, definition="") == replace(after, definition="")
        return alike and _view(before, scratch) == after.definition
    return False


def _constraint(constraint: Constraint, scratch: Connection) -> str:
    table = sql.Identifier(constraint.schema, constraint.table)
    # The definition is Postgres' own text.
    definition = sql.SQL(constraint.definition)
    add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
    query = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s"
    return _tried(add.format(table, sql.Identifier(_NAME), definition), query, scratch)


def _view(view: View, scratch: Connection) -> str:
    # The definition is Postgres' own text.
    definition = sql.SQL(view.definition)
    create = sql.SQL("CREATE VIEW {} AS {}")
    query = "SELECT pg_get_viewdef(oid) FROM pg_class WHERE relname = %s"
    text = _tried(create.format(sql.Identifier("pg_temp", _NAME), definition), query, scratch)
    return text.strip().removesuffix(";")


def _tried(statement: sql.Composed, query: str, scratch: Connection) -> str:
    with scratch.transaction(force_rollback=True):
        scratch.execute("SET LOCAL search_path = ''")
        scratch.execute(statement)
        row = scratch.execute(query.encode(), [_NAME]).fetchone()
    return str(row[0]) if row else ""
