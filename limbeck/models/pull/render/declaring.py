"""Steps that create the objects beside the tables, as declarations of limbeck.entities."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from limbeck.models.pull.render.entity import (
    MAKERS,
    METADATA,
    dotted,
    entity,
    sql_literal,
    view_call,
)
from limbeck.models.source.text import Source, literal
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.schemas import Extension
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Policy, Rule, Trigger
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.sql import quoting
from limbeck.schema.sql.quoting import quote

if TYPE_CHECKING:
    from limbeck.schema.diff.steps import Step

# Kinds that DROP TABLE drops, and those of which create_all creates only parts.
_DROPPED_WITH_TABLES = frozenset(
    {"constraint", "trigger", "rule", "policy", "statistics", "default", "enum", "grant"}
)
# The keywords of a kind, before a name that is in lower case or in quotes.
_KIND = re.compile(r"(?:[A-Z]+ )+")


def entity_of(
    step: Step, item: Object, *, before_tables: bool, feeds: bool = False
) -> Source | None:
    """Return the entity that does what a step does, and all other steps about the same object.

    `is_beyond` tells the exceptions.

    Args:
        step: the first step about the object.
        item: the object.
        before_tables: whether it precedes the tables.
        feeds: whether a sequence is the default of its column.

    """
    if step.verb != "create":
        return _row_security(step, item)
    make = MAKERS.get(type(item))
    declaration = make(item) if make else None
    if declaration is None or (isinstance(item, Table) and not _is_partition(step, item)):
        return _definition(step, item, before_tables=before_tables)
    name, usually, arguments = declaration
    given = [*arguments, *(["default=True"] if feeds else []), METADATA]
    schema = item.address.schema
    if schema not in {"", "public"} and not isinstance(item, (Trigger, Rule, Policy)):
        given.append(f"schema={literal(schema)}")
    if isinstance(item, Extension) and item.schema not in {"public", "pg_catalog"}:
        given.append(f"schema={literal(item.schema)}")
    return entity(name, [*given, *_common(item, usually=usually, before_tables=before_tables)])


def _common(item: Object, *, usually: bool, before_tables: bool) -> Iterator[str]:
    comment = getattr(item, "comment", None)
    if comment is not None:
        yield f"comment={sql_literal(comment)}"
    if usually != before_tables:
        yield f"before_tables={before_tables}"


def _definition(step: Step, item: Object, *, before_tables: bool) -> Source | None:
    """Return a Definition, which drop_all drops, of an object with no entity of its own."""
    if item.address.kind in _DROPPED_WITH_TABLES or isinstance(item, Column):
        return None
    if not step.sql.startswith("CREATE "):
        return None  # a part of the object, as a mapping of a text search configuration
    from limbeck.schema.diff.targets import target  # noqa: PLC0415 - tables alone do not need it

    kind, name = (_KIND.match(target(item)) or [""])[0], target(item)
    if not kind:
        return None
    given = [literal(kind.strip()), literal(name.removeprefix(kind)), sql_literal(step.sql)]
    given.append(METADATA)
    if condition := _unless(step):
        given.append(f"exists={literal(condition)}")
    return entity(
        "Definition", [*given, *_common(item, usually=False, before_tables=before_tables)]
    )


def is_beyond(step: Step, item: Object) -> bool:
    """Return whether a step does something to an object that its entity does not."""
    from limbeck.schema.diff.operations import AlterViewDefault, Comment  # noqa: PLC0415 - the same
    from limbeck.schema.diff.targets import target  # noqa: PLC0415 - the same

    if isinstance(step.operation, Comment):
        # The entity of a view has the comments on its columns.
        named = isinstance(item, View) and view_call(item) is not None
        return step.operation.on != target(item) and not named
    if isinstance(item, Table):
        return not step.sql.endswith("ROW LEVEL SECURITY")
    return isinstance(step.operation, AlterViewDefault) or MAKERS.get(type(item)) is None


def _row_security(step: Step, item: Object) -> Source | None:
    if not (isinstance(item, Table) and item.row_security):
        return None
    if step.sql != f"ALTER TABLE {of(item.address)} ENABLE ROW LEVEL SECURITY":
        return None
    force = ["force=True"] if item.force_row_security else []
    return entity("RowSecurity", [literal(dotted(item.address)), METADATA, *force])


def _is_partition(step: Step, table: Table) -> bool:
    """Return whether CREATE TABLE ... PARTITION OF is all that creates a table."""
    if table.partition_of is None:
        return False
    head = f"CREATE TABLE {of(table.address)} PARTITION OF {of(table.partition_of)}"
    by = f" PARTITION BY {table.partition_key}" if table.partition_key else ""
    return step.sql == f"{head} {table.partition_bound}{by}"


def statement(step: Step, *, before_tables: bool) -> Source:
    """Return a Statement with the SQL of a step."""
    given = [sql_literal(step.sql), METADATA]
    condition = _unless(step)
    if condition:
        given.append(f"unless={literal(condition)}")
    if undo := _undo(step):
        given.append(f"undo={literal(undo)}")
    if before_tables:
        given.append("before_tables=True")
    return entity("Statement", given)


def _undo(step: Step) -> str | None:
    """Return the statement after which nothing that the step's needs is in use any more."""
    table = f"ALTER TABLE IF EXISTS {quote(step.address.schema)}.{quote(step.address.name)}"
    if step.address.kind == "column" and " SET DEFAULT " in step.sql:
        return f"{table} ALTER COLUMN {quote(step.address.part)} DROP DEFAULT"
    if step.address.kind == "constraint" and step.verb == "create":
        return f"{table} DROP CONSTRAINT IF EXISTS {quote(step.address.part)}"
    return None


def _unless(step: Step) -> str | None:
    address = step.address
    if step.verb != "create":
        child = quoting.literal(f"{quote(address.schema)}.{quote(address.name)}")
        if address.kind == "table" and "ATTACH PARTITION" in step.sql:
            return f"EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass({child}))"
        return None
    name = quoting.literal(f"{quote(address.schema)}.{quote(address.name)}")
    if address.kind in {"table", "index", "view", "sequence"}:
        return f"to_regclass({name}) IS NOT NULL"
    if address.kind in {"domain", "composite", "range", "enum"}:
        return f"to_regtype({name}) IS NOT NULL"
    if address.kind == "constraint":
        part = quoting.literal(address.part)
        condition = f"conrelid = to_regclass({name}) AND conname = {part}"
        return f"EXISTS (SELECT FROM pg_constraint WHERE {condition})"
    return None
