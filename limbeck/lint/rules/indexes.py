"""Indexes of existing tables."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, rule, waiting
from limbeck.lint.trace.facts import Index

BUILD = (
    "In a revision of its own: with op.get_context().autocommit_block(): op.create_index(..., "
    "postgresql_concurrently=True)."
)


def _plain(change: Change) -> Iterator[Index]:
    retyped = {now.table for was, now in change.altered_columns()}
    for index in change.built():
        alone = not change.constrained(index) and index.table not in change.rewritten
        if index.table in change.blocked and alone and index.table not in retyped:
            yield index


@rule("create-index-blocking", "blocking")
def create_index_blocking(change: Change) -> Iterator[Finding]:
    """CREATE INDEX lets nobody write to the table until the index is built."""
    for index in _plain(change):
        if not _inherited(change, index):
            yield Finding(
                index.table,
                f"{change.after.name(index.oid)} is built while {waiting(change, index.table)}",
                BUILD,
            )


@rule("index-on-partitioned", "blocking")
def index_on_partitioned(change: Change) -> Iterator[Finding]:
    """An index on a partitioned table is built in all partitions at once."""
    for index in _plain(change):
        if _inherited(change, index):
            yield Finding(
                index.table,
                f"{change.after.name(index.oid)} is built while {waiting(change, index.table)}",
                "CREATE INDEX ON ONLY the parent, CREATE INDEX CONCURRENTLY on each partition, "
                "then ALTER INDEX ... ATTACH PARTITION.",
            )


def _inherited(change: Change, index: Index) -> bool:
    parent = change.after.relations[index.table].parent
    return parent is not None and any(one.table == parent for one in change.built())


@rule("drop-index-blocking", "warning")
def drop_index_blocking(change: Change) -> Iterator[Finding]:
    """DROP INDEX waits for everybody who uses the table, and everybody waits behind it."""
    for index in change.gone():
        if index.kind in "iI" and change.statement.tag == "DROP INDEX":
            table = change.before.indexes[index.oid].table
            if table in change.strong():
                yield Finding(
                    table,
                    f"DROP INDEX {index} is short, but while it queues {waiting(change, table)}",
                    "In an autocommit block: op.drop_index(..., postgresql_concurrently=True).",
                )


@rule("reindex-blocking", "blocking")
def reindex_blocking(change: Change) -> Iterator[Finding]:
    """REINDEX lets nobody write, and nobody read through the index, until it is built anew."""
    if change.statement.tag != "REINDEX":
        return
    for table in sorted(change.blocked):
        if table in change.before.indexes:
            continue
        yield Finding(
            table,
            f"REINDEX builds indexes of {change.name(table)} while {waiting(change, table)}, and "
            "readers of the index too",
            "REINDEX ... CONCURRENTLY, in an autocommit block.",
        )


@rule("unique-index-on-duplicates", "note")
def unique_index_on_duplicates(change: Change) -> Iterator[Finding]:
    """A unique index cannot be built where there are duplicates."""
    for index in change.built():
        if index.unique and not any((index.table, one) in change.fresh for one in index.columns):
            table, columns = change.name(index.table), change.columns(index.table, index.columns)
            yield Finding(
                index.table,
                f"duplicates in {table} ({columns}) make it fail; CONCURRENTLY leaves an INVALID "
                "index then",
                f"Look first: SELECT {columns}, count(*) FROM {table} GROUP BY {columns} HAVING "
                "count(*) > 1.",
            )


@rule("invalid-index-left", "warning")
def invalid_index_left(change: Change) -> Iterator[Finding]:
    """An interrupted CONCURRENTLY leaves an index that costs writes and answers nothing."""
    if change.target is None or change.statement.tag != "CREATE INDEX":
        return
    for table in sorted(change.statement.locks):
        for name in change.target.invalid.get(change.name(table), ()):
            yield Finding(
                table,
                f"{change.name(table)} has an INVALID index {name} on "
                f"{change.target.environment}; IF NOT EXISTS would take it for done",
                f"DROP INDEX CONCURRENTLY {name}, or REINDEX INDEX CONCURRENTLY {name}.",
            )
