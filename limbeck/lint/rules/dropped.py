"""Dropped, or loosened: what the application that still runs may rely on."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, rule
from limbeck.lint.rules.renamed import KINDS

LATER = (
    "Let the application stop using it and deploy that first; then drop it, and say so beside the "
    "statement: # limbeck: allow {code} -- since when nothing uses it"
)


@rule("drop-column-in-use", "blocking")
def drop_column_in_use(change: Change) -> Iterator[Finding]:
    """The application that still runs names the column, and its rows are lost."""
    for column in change.dropped_columns():
        table = change.name(column.table)
        yield Finding(
            column.table,
            f"queries that name {table}.{column.name} fail from now on, and its data is gone",
            LATER.format(code="drop-column-in-use"),
        )


@rule("drop-table-in-use", "blocking")
def drop_table_in_use(change: Change) -> Iterator[Finding]:
    """The application that still runs names the table or view, and its rows are lost."""
    names = {str(one) for one in change.end.relations.values()}
    for one in change.gone():
        if one.kind in "rpvm" and one.parent is None and str(one) not in names:
            kind = KINDS.get(one.kind, "table")
            lost = ", and its data is gone" if kind == "table" else ""
            yield Finding(
                one.oid,
                f"queries that name the {kind} {one} fail from now on{lost}",
                LATER.format(code="drop-table-in-use"),
            )


@rule("drop-database-schema", "blocking")
def drop_database_schema(change: Change) -> Iterator[Finding]:
    """A dropped schema takes everything in it along."""
    for key, was in change.before.others.items():
        if was.kind == "schema" and key not in change.after.others:
            yield Finding(
                None,
                f"the schema {was.name} is gone with all that was in it",
                "Make a branch of the database first, and drop what is in it one by one.",
            )


@rule("drop-cascade", "warning")
def drop_cascade(change: Change) -> Iterator[Finding]:
    """CASCADE takes along what the statement does not name."""
    tag = change.statement.tag
    if not tag.startswith(("DROP ", "ALTER ")):
        return
    gone = [one for one in change.gone() if one.kind in "rpvm"]
    views = [str(one) for one in gone if one.kind in "vm" and KINDS[one.kind].upper() not in tag]
    keys = [
        f"foreign key {one.name}"
        for one in change.dropped_constraints("f")
        if tag != "ALTER TABLE" and one.table in change.after.relations
    ]
    if views or keys:
        yield Finding(
            None,
            f"it takes along: {', '.join([*views, *keys])}",
            "Drop these by their names first, so that the revision says what goes.",
        )


@rule("drop-fk-semantics", "note")
def drop_fk_semantics(change: Change) -> Iterator[Finding]:
    """Without the foreign key nothing keeps rows from pointing nowhere."""
    for one in change.dropped_constraints("f"):
        yield Finding(
            one.table,
            f"nothing keeps {change.name(one.table)} from pointing to rows that are not there "
            f"({one.name} is gone)",
            "If the application does not see to it, keep the foreign key.",
        )


@rule("drop-not-null-default", "note")
def drop_not_null_default(change: Change) -> Iterator[Finding]:
    """A dropped NOT NULL, default or CHECK lets in what readers may not expect."""
    for was, now in change.altered_columns():
        if was.not_null and not now.not_null:
            yield _looser(change, now.table, f"{now.name} may be NULL from now on")
        if was.default and not now.default and not was.generated:
            yield _looser(change, now.table, f"{now.name} has no default any more")
    dropped = {(column.table, column.number) for column in change.dropped_columns()}
    for one in change.dropped_constraints("cux"):
        with_column = dropped & {(one.table, number) for number in one.columns}
        if with_column or one.oid not in change.start.constraints:
            continue
        yield _looser(change, one.table, f"{one.name} ({one.definition}) is gone")


def _looser(change: Change, table: int, what: str) -> Finding:
    return Finding(
        table,
        f"{change.name(table)}: {what}",
        "Can every reader, the old application too, live with it?",
    )


@rule("drop-pk", "warning")
def drop_pk(change: Change) -> Iterator[Finding]:
    """Without its primary key a table has no identity for replication, nor for ON CONFLICT."""
    for one in change.dropped_constraints("p"):
        yield Finding(
            one.table,
            f"{change.name(one.table)} loses its primary key: ON CONFLICT, logical replication "
            "and foreign keys rest on it",
            "Build the new unique index CONCURRENTLY first, and change over in one revision.",
        )
