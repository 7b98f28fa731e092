"""Rules about transactions: locks held during other work, statements that cannot run in one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, Rule, blocks, spelt
from limbeck.lint.rules.simple import failures
from limbeck.lint.trace.statement import Statement

PATIENCE = 10_000  # milliseconds: longer than the user of a web page waits
STRONGEST = "AccessExclusiveLock"
MOST = 10
"""How many tables a sentence names."""
DATA = {"INSERT", "UPDATE", "DELETE", "MERGE", "COPY"}


def _uncommitted_or_nested_transaction(change: Change) -> Iterator[Finding]:
    if change.statement.tag in {"BEGIN", "START TRANSACTION", "COMMIT", "PREPARE TRANSACTION"}:
        yield Finding(values={"tag": change.statement.tag})


def _milliseconds(statement: Statement, setting: str) -> int:
    return int(statement.settings.get(setting, "0") or 0)


def _lock(mode: str) -> dict[str, object]:
    return {"lock": spelt(mode), "blocks": blocks(mode)}


def _lock_timeout_too_long_or_zero(change: Change) -> Iterator[Finding]:
    if "lock_timeout" not in change.statement.settings:
        return
    wait = _milliseconds(change.statement, "lock_timeout")
    locked = change.strong() if wait == 0 or wait > PATIENCE else {}
    for table, mode in sorted(locked.items())[:1]:
        limit = f"up to {wait // 1000} s" if wait else "without end"
        yield Finding(table, {"limit": limit, **_lock(mode)})


def _cic_under_lock_timeout(change: Change) -> Iterator[Finding]:
    wait = _milliseconds(change.statement, "lock_timeout")
    if change.statement.waits and wait and _sets(change, "lock_timeout"):
        yield Finding(_first(change), {"wait": wait})


def _statement_timeout_on_long_safe_step(change: Change) -> Iterator[Finding]:
    limit = _milliseconds(change.statement, "statement_timeout")
    validates = any(True for _ in change.validated()) and not change.blocked
    long = change.statement.waits or validates
    if limit and long and _sets(change, "statement_timeout"):
        yield Finding(_first(change), {"limit": limit})


def _sets(change: Change, setting: str) -> bool:
    """Return whether the revision itself changes a setting."""
    statements = change.trace.statements
    return any(each.tag == "SET" and setting in each.text.lower() for each in statements)


def _first(change: Change) -> int | None:
    return next(filter(change.is_table, sorted(change.statement.locks)), None)


def _backfill_with_ddl(change: Change) -> Iterator[Finding]:
    command = change.statement.tag.split(" ")[0]
    if command in DATA | {"DO", "SELECT"} and _changes_all_rows(change):
        for table, mode in islice(change.held(), 1):
            yield Finding(table, _lock(mode))


def _changes_all_rows(change: Change) -> bool:
    activity = change.statement.activity.items()
    changes = [each for oid, each in activity if change.is_table(oid) and not change.is_empty(oid)]
    return any(each.scans and each.updated + each.deleted + each.inserted for each in changes)


def _long_transaction_after_strong_lock(change: Change) -> Iterator[Finding]:
    if change.statement.tag.split(" ")[0] in DATA:
        return
    worked = {
        oid
        for oid in change.statement.worked_on()
        if change.is_table(oid) and not change.is_empty(oid)
    }
    held = ((oid, mode) for oid, mode in change.held() if oid not in worked)
    for table, mode in islice(held, 1) if worked else ():
        names = ", ".join(map(change.name, sorted(worked)))
        yield Finding(table, {"others": names, **_lock(mode)})


def _multi_table_strong_locks(change: Change) -> Iterator[Finding]:
    new = [oid for oid, mode in change.strong().items() if mode == STRONGEST]
    if not new:
        return
    # A transaction may have locked a thousand tables: the first few say enough.
    held = (change.name(oid) for oid, mode in change.held() if mode == STRONGEST)
    if names := [*islice(held, MOST)]:
        others = " and others" if any(True for _ in held) else ""
        yield Finding(min(new), {"held": f"{', '.join(names)}{others}"})


def _multiple_alter_same_table(change: Change) -> Iterator[Finding]:
    if change.statement.tag != "ALTER TABLE":
        return
    for table in sorted(change.blocked):
        if change.altered.get(table, change.place) < change.place:
            yield Finding(table)


RULES = (
    Rule(
        "enum-value-in-transaction",
        failures(lambda failure: failure.sqlstate == "55P04"),  # unsafe_new_enum_value_usage
    ),
    Rule(
        "concurrently-in-transaction",
        failures(lambda failure: failure.sqlstate == "25001"),  # active_sql_transaction
    ),
    Rule("uncommitted-or-nested-transaction", _uncommitted_or_nested_transaction),
    Rule("lock-timeout-too-long-or-zero", _lock_timeout_too_long_or_zero),
    Rule("cic-under-lock-timeout", _cic_under_lock_timeout),
    Rule("statement-timeout-on-long-safe-step", _statement_timeout_on_long_safe_step),
    Rule("backfill-with-ddl", _backfill_with_ddl),
    Rule("long-transaction-after-strong-lock", _long_transaction_after_strong_lock),
    Rule("multi-table-strong-locks", _multi_table_strong_locks),
    Rule("multiple-alter-same-table", _multiple_alter_same_table),
)
