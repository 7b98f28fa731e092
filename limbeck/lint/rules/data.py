"""Rows: changed all at once, or in the way of a constraint."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, rule

FEW = 10  # rows: below it, an UPDATE of all says nothing


def _changed(change: Change, what: str) -> Iterator[int]:
    """Yield the existing tables of which a statement changed every row that was there."""
    if change.statement.tag.split(" ")[0] not in {"UPDATE", "DELETE", "MERGE", "DO", "SELECT"}:
        return
    for table, work in sorted(change.statement.work.items()):
        rows = getattr(work, what)
        if change.is_table(table) and work.scans and rows >= FEW:
            yield table


@rule("unbatched-dml", "warning")
def unbatched_dml(change: Change) -> Iterator[Finding]:
    """One UPDATE of a whole table locks every row until it commits, and doubles the table."""
    for table in _changed(change, "updated"):
        yield Finding(
            table,
            f"one statement updates every row it finds in {change.name(table)}: all of them "
            "stay locked until it commits, and the table grows by as much",
            "Update in batches along the primary key, each in a transaction of its own, outside "
            "of the revision.",
        )


@rule("delete-without-where", "blocking")
def delete_without_where(change: Change) -> Iterator[Finding]:
    """A DELETE that takes every row of a table."""
    for table in _changed(change, "deleted"):
        yield Finding(
            table,
            f"one statement deletes every row it finds in {change.name(table)}",
            "Is the WHERE right? If so, delete in batches along the primary key.",
        )


@rule("not-null-on-nulls", "note")
def not_null_on_nulls(change: Change) -> Iterator[Finding]:
    """NOT NULL cannot come to be where there are NULLs."""
    for was, now in change.altered_columns():
        if was.not_null or not now.not_null:
            continue
        table = change.name(now.table)
        nulls = change.target.nulls.get((table, was.name), 0.0) if change.target else 0.0
        if nulls and change.target:
            yield Finding(
                now.table,
                f"{table}.{was.name} is NULL in about {nulls:.1%} of the rows on "
                f"{change.target.environment}, so it fails there",
                f"Fill the NULLs of {was.name} first, in batches.",
                "blocking",
            )
        elif now.table in change.statement.scanned():
            yield Finding(
                now.table,
                f"a NULL in {table}.{was.name} makes it fail",
                f"Look first: SELECT count(*) FROM {table} WHERE {was.name} IS NULL.",
            )


@rule("disable-trigger-for-backfill", "warning")
def disable_trigger_for_backfill(change: Change) -> Iterator[Finding]:
    """A trigger that is off is off for everybody; what it guards is not guarded meanwhile."""
    for oid, now in sorted(change.after.triggers.items()):
        was = change.before.triggers.get(oid)
        if was and was.enabled != now.enabled and now.enabled == "D" and change.exists(now.table):
            yield Finding(
                now.table,
                f"the trigger {now.name} of {change.name(now.table)} is switched off for the "
                "application too",
                "Let the trigger see that it is a backfill (a setting with SET LOCAL), and leave "
                "it on for all others.",
            )
    if change.statement.settings.get("session_replication_role") == "replica":
        yield Finding(
            None,
            "session_replication_role = replica: foreign keys and triggers do not work in it",
            "Write rows that satisfy the foreign keys, and leave them on.",
        )
