"""Copies of columns: the steps that add, fill, grant, rename and drop them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from limbeck.phased.expand.grants import grants
from limbeck.phased.expand.sync import Sync
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.column_operations import AddColumn, AlterDefault, DropColumn, RenameColumn
from limbeck.schema.diff.operations import Execute
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import dollar_quoted, literal, qualified, quote, schema_and_name

LEFT = "Updates no rows after limbeck backfill."
PAGES = 100  # 800 kB; a writer waits for the rows of one batch at most
# The variables are named so that no column is called the same: PL/pgSQL reports such a name as
# ambiguous. The last UPDATE finds rows that moved to another page meanwhile.
BATCHES = """
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
"""
WITHIN = (
    "ctid >= format('(%s,0)', limbeck_page)::tid"
    " AND ctid < format('(%s,0)', limbeck_page + {})::tid"
)
LARGEST = "(SELECT max(pg_relation_size(relid)) FROM pg_partition_tree({}))"


def added(column: Column) -> Step:
    """Return the step that adds a column without constraints or default."""
    collation = f" COLLATE {column.collation}" if column.collation else ""
    return Step(AddColumn(column, f"{quote(column.name)} {column.type}{collation}"))


def bare(column: Column, name: str) -> Column:
    """Return a column with another name and the same type and collation, and nothing else."""
    return Column(
        schema=column.schema,
        table=column.table,
        name=name,
        type=column.type,
        collation=column.collation,
    )


def with_default(column: Column, default: str) -> Step:
    """Return the step that sets a default after the column was added.

    ADD COLUMN ... DEFAULT would give it to existing rows at once; the backfill must see NULL.
    """
    return Step(AlterDefault(column, replace(column, default=default)))


def granted(column: Column, name: str) -> Step:
    """Return the step that grants on the copy what is granted on the column itself.

    Privileges on the whole table cover the copy already. The grantees are read from the target's
    catalog, since its roles differ from those of the shadow.
    """
    table = qualified(column.schema, column.table)
    text = grants(
        "pg_attribute a, aclexplode(a.attacl) acl",
        f"a.attrelid = {literal(table)}::regclass AND a.attname = {literal(column.name)}",
        f" ({quote(name)}) ON {table}",
    )
    return Step(Execute(text, "alter", column.address))


def dropped(column: Column) -> Step:
    """Return the step that drops a column whose values another one has."""
    return Step(DropColumn(column))


def is_free(column: Column, catalog: Catalog, gone: Address | None = None) -> bool:
    """Return whether a column can be dropped: no object depends on it that is not dropped, too.

    `gone` is an object that depended on it, but has been dropped.
    """
    kinds = {"view", "function", "policy", "trigger", "rule", "column"}
    users = (user for user, used in catalog.depends.items() if column.address in used)
    return {user.kind for user in users if user != gone}.isdisjoint(kinds)


def renamed(column: Column, name: str) -> Step:
    """Return the step that renames a column."""
    return Step(RenameColumn(column, name))


def backfill(sync: Sync) -> Backfill:
    """Return the backfill of the rows that existed before the trigger."""
    return Backfill(of(sync.table), tuple(sync.assignments.items()), sync.wrong())


def filled(sync: Sync, table: Table) -> Step:
    """Return the step that fills all rows, outside a transaction: each batch commits by itself."""
    sets = ", ".join(f"{quote(column)} = {value}" for column, value in sync.assignments.items())
    at = Address("column", sync.table.schema, sync.table.name, sync.forward[0].column)
    return Step(Execute(batches(table, sets, sync.wrong()), "alter", at), outside=True)


def batches(table: Table, sets: str, wrong: str) -> str:
    """Return a DO block that updates the wrong rows, `PAGES` blocks of each partition at a time."""
    name = of(table.address)
    size = LARGEST if table.kind == "p" else "pg_relation_size({})"
    body = BATCHES.format(
        size=size.format(literal(name)),
        pages=PAGES,
        table=name,
        sets=sets,
        wrong=wrong,
        within=WITHIN.format(PAGES),
    )
    return f"DO {dollar_quoted(body)}"


def left(backfills: Iterable[Backfill]) -> Iterator[Step]:
    """Yield an UPDATE for each backfill, to run before the contract drops its source.

    After `limbeck backfill` it updates no rows; with `alembic upgrade head` alone it keeps the
    revisions correct. A value that cannot be computed fails here, before anything is dropped.
    """
    for backfill in backfills:
        sets = ", ".join(f"{quote(column)} = {value}" for column, value in backfill.assignments)
        text = f"UPDATE {backfill.table} SET {sets}\nWHERE {backfill.where}"
        schema, name = schema_and_name(backfill.table)
        update = Execute(text, "alter", Address("table", schema, name))
        yield Step(update, outside=True, note=LEFT)
