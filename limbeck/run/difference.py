"""The difference between the schemas before and after a rehearsal, with its renames as such.

On one database a table keeps its oid and a column its number, whatever their names are, so no
question has to be asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from limbeck.dataclass import dataclass
from limbeck.phased.expand import sync
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff import compare
from limbeck.schema.diff.column_operations import DropColumn
from limbeck.schema.diff.script import script
from limbeck.schema.diff.steps import Step
from limbeck.schema.renames.rename import Rename
from limbeck.schema.sql import own_schemas
from limbeck.shadow.source import Live

# Column 0 stands for the table itself, and comes before its columns.
NAMES = f"""
SELECT c.oid, coalesce(a.attnum, 0), n.nspname, c.relname, coalesce(a.attname, '')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (
    SELECT attrelid, attnum, attname FROM pg_catalog.pg_attribute
    WHERE attnum > 0 AND NOT attisdropped
    UNION ALL SELECT oid, 0, '' FROM pg_catalog.pg_class
) a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'f') AND {own_schemas.of_users("n.nspname")}
ORDER BY 1, 2
"""
Names: TypeAlias = dict[tuple[object, object], Address]


@dataclass(frozen=True, slots=True)
class Schema:
    """The catalog of a database, and the addresses of its tables and columns by their numbers."""

    catalog: Catalog
    names: Names

    @classmethod
    def of(cls, database: Database) -> Schema:
        """Read the schema of a database."""
        with connect(database) as connection:
            rows = connection.execute(NAMES).fetchall()
        names = {
            (oid, number): Address("column" if number else "table", *map(str, words))
            for oid, number, *words in rows
        }
        return cls(Live(database).catalog(), names)


def difference(before: Schema, after: Schema) -> str:
    """Return the SQL that leads from one schema of a database to a later one of it."""
    renames = tuple(_renames(before, after))
    return script(_lost(compare.steps(before.catalog, after.catalog, renames)))


def _renames(before: Schema, after: Schema) -> Iterator[Rename]:
    for key, new in after.names.items():
        old = before.names.get(key)
        if old is None or old == new:
            continue
        if old.kind == "column":  # its table has its new name already
            old = old._replace(schema=new.schema, name=new.name)
        known = new in after.catalog.objects and before.names[key] in before.catalog.objects
        if known and old != new:
            yield Rename(old.kind, old, new)


def _lost(steps: Sequence[Step]) -> Iterable[Step]:
    """Yield the steps; no values are lost with a column that a trigger has kept in step."""
    tables = {
        step.address[1:3]
        for step in steps
        if step.verb == "drop"
        and step.address.kind == "trigger"
        and step.address.part.startswith((sync.PREFIX, sync.LATE))
    }
    for step in steps:
        copied = isinstance(step.operation, DropColumn) and step.address[1:3] in tables
        yield replace(step, loses=None) if copied else step
