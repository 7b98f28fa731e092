"""A second column for what is in one, and the steps that fill it and let it take the place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from limbeck.phased.expand.sync import Sync
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.names import of, qualified, quote, unquoted
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.column_operations import AddColumn, AlterDefault, DropColumn, RenameColumn
from limbeck.schema.diff.operations import Execute
from limbeck.schema.diff.sql import literal
from limbeck.schema.diff.steps import Step

LEFT = "Finds nothing after limbeck backfill."
PAGES = 100  # 800 kB; a writer waits for the rows of one batch at most
# Names of variables that no column has: Postgres takes one for the other.
BATCHES = """\
DO $$
DECLARE
    limbeck_page bigint := 0;
    limbeck_pages bigint := {size} / current_setting('block_size')::bigint;
BEGIN
    WHILE limbeck_page <= limbeck_pages LOOP
        UPDATE {table} SET {sets}
        WHERE {within}
            AND ({wrong});
        COMMIT;
        limbeck_page := limbeck_page + {pages};
    END LOOP;
    UPDATE {table} SET {sets}
    WHERE {wrong};
END
$$"""
WITHIN = (
    "ctid >= format('(%s,0)', limbeck_page)::tid"
    " AND ctid < format('(%s,0)', limbeck_page + {})::tid"
)
LARGEST = "(SELECT max(pg_relation_size(relid)) FROM pg_partition_tree({}))"

GRANTS = """\
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT acl.privilege_type AS may,
            CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
            AS who
        FROM pg_attribute a, aclexplode(a.attacl) acl
        WHERE a.attrelid = {table}::regclass AND a.attname = {column}
    LOOP
        EXECUTE format('GRANT %s ({name}) ON {named} TO %s', one.may, one.who);
    END LOOP;
END
$$"""


def added(column: Column) -> Step:
    """Add a column that nothing is asked of yet."""
    collation = f" COLLATE {column.collation}" if column.collation else ""
    return Step(AddColumn(column, f"{quote(column.name)} {column.type}{collation}"))


def bare(column: Column, name: str) -> Column:
    """Return a column of the same type under another name, without anything else."""
    return Column(
        schema=column.schema,
        table=column.table,
        name=name,
        type=column.type,
        collation=column.collation,
    )


def with_default(column: Column, default: str) -> Step:
    """Give new rows a default; those that are there keep NULL, for they are filled in later."""
    return Step(AlterDefault(column, replace(column, default=default)))


def granted(column: Column, name: str) -> Step:
    """Grant on a column beside what is granted on one column alone, whoever it was granted to."""
    table = _table(column)
    text = GRANTS.format(
        table=literal(table),
        column=literal(column.name),
        named=table.replace("'", "''").replace("%", "%%"),
        name=quote(name).replace("'", "''").replace("%", "%%"),
    )
    return Step(Execute(text, "alter", column.address))


def dropped(column: Column) -> Step:
    """Drop a column whose values stand in another one."""
    return Step(DropColumn(column))


def renamed(column: Column, name: str) -> Step:
    """Rename a column."""
    return Step(RenameColumn(column, name))


def _table(column: Column) -> str:
    return qualified(column.schema, column.table)


def backfill(sync: Sync) -> Backfill:
    """Return what brings the rows of before into step."""
    return Backfill(of(sync.table), tuple(sync.assignments.items()), sync.wrong())


def filled(sync: Sync, table: Table) -> Step:
    """Bring all rows into step, outside of a transaction: each batch of pages is one."""
    sets = ", ".join(f"{column} = {value}" for column, value in sync.assignments.items())
    at = Address("column", sync.table.schema, sync.table.name, sync.forward[0].column)
    return Step(Execute(batches(table, sets, sync.wrong()), "alter", at), outside=True)


def batches(table: Table, sets: str, wrong: str) -> str:
    """Spell an UPDATE of the wrong rows, some pages at a time, of each partition at once."""
    name = of(table.address)
    size = LARGEST if table.kind == "p" else "pg_relation_size({})"
    return BATCHES.format(
        size=size.format(literal(name)),
        pages=PAGES,
        table=name,
        sets=sets,
        wrong=wrong,
        within=WITHIN.format(PAGES),
    )


def left(backfills: Iterable[Backfill]) -> Iterator[Step]:
    """Fill in what nobody filled in, before its source goes: nothing, where it is verified.

    So the revisions are right without limbeck, too. What cannot be filled in ends the contract.
    """
    for one in backfills:
        sets = ", ".join(f"{column} = {value}" for column, value in one.assignments)
        text = f"UPDATE {one.table} SET {sets}\nWHERE {one.where}"
        schema, name = unquoted(one.table)
        update = Execute(text, "alter", Address("table", schema, name))
        yield Step(update, outside=True, note=LEFT)
