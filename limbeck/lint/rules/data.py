"""Rules about rows: changed all at once, or in conflict with a new constraint."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Find, Finding, Rule

FEW = 10  # rows: changing all rows of a smaller table is no finding
DATA = {"UPDATE", "DELETE", "MERGE", "DO", "SELECT"}


def _changed(rows: str) -> Find:
    """Find the existing tables of which a statement updated or deleted every row it found."""
    count = attrgetter(rows)

    def find(change: Change) -> Iterator[Finding]:
        if change.statement.tag.split(" ")[0] in DATA:
            for table, activity in sorted(change.statement.activity.items()):
                if _has_rows(change, table) and activity.scans and count(activity) >= FEW:
                    yield Finding(table)

    return find


def _has_rows(change: Change, table: int) -> bool:
    return change.is_table(table) and not change.is_empty(table)


def _not_null_on_nulls(change: Change) -> Iterator[Finding]:
    for was, now in change.altered_columns():
        if was.not_null or not now.not_null:
            continue
        target = change.target
        nulls = target.nulls.get((change.name(now.table), was.name), 0.0) if target else 0.0
        if target and nulls:
            values = {"was": was, "nulls": nulls, "environment": target.environment}
            yield Finding(now.table, values, "known", "blocking")
        elif now.table in change.statement.scanned() and not change.is_empty(now.table):
            yield Finding(now.table, {"was": was})


def _disable_trigger_for_backfill(change: Change) -> Iterator[Finding]:
    for was, now in change.after.triggers.since(change.before.triggers).values():
        disabled = was and now and was.enabled != now.enabled == "D"
        if now and disabled and change.exists(now.table):
            yield Finding(now.table, {"trigger": now})
    if change.statement.settings.get("session_replication_role") == "replica":
        yield Finding(case="role")


RULES = (
    Rule("unbatched-dml", _changed("updated")),
    Rule("delete-without-where", _changed("deleted")),
    Rule("not-null-on-nulls", _not_null_on_nulls),
    Rule("disable-trigger-for-backfill", _disable_trigger_for_backfill),
)
