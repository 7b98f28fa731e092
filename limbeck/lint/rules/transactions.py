"""Rules about transactions: locks held during other work, statements that cannot run in one."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, Rule, blocks, spelt
from limbeck.lint.rules.simple import failures
from limbeck.lint.trace.statement import Statement, strength

PATIENCE = 10_000  # milliseconds: longer than the user of a web page waits
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


def _held(change: Change) -> dict[int, str]:
    """Return the existing tables that an earlier statement of the transaction locked strongly."""
    earlier = change.earlier()
    return {
        oid: mode
        for oid, mode in (earlier[-1].held.items() if earlier else ())
        if strength(mode) >= strength("ShareLock") and change.is_table(oid)
    }


def _backfill_with_ddl(change: Change) -> Iterator[Finding]:
    command = change.statement.tag.split(" ")[0]
    if command in DATA | {"DO", "SELECT"} and _changes_all_rows(change):
        for table, mode in sorted(_held(change).items())[:1]:
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
    held = {oid: mode for oid, mode in _held(change).items() if oid not in worked}
    for table, mode in sorted(held.items())[:1] if worked else ():
        names = ", ".join(map(change.name, sorted(worked)))
        yield Finding(table, {"others": names, **_lock(mode)})


def _multi_table_strong_locks(change: Change) -> Iterator[Finding]:
    held = _strongest(_held(change))
    if held and (new := _strongest(change.strong()) - held):
        yield Finding(min(new), {"held": ", ".join(map(change.name, sorted(held)))})


def _strongest(modes: dict[int, str]) -> set[int]:
    return {oid for oid, mode in modes.items() if mode == "AccessExclusiveLock"}


def _multiple_alter_same_table(change: Change) -> Iterator[Finding]:
    if change.statement.tag != "ALTER TABLE":
        return
    statements = change.trace.statements
    place = next(i for i, each in enumerate(statements) if each is change.statement)
    alters = (each for each in statements[:place] if each.tag == "ALTER TABLE")
    before = {oid for each in alters for oid, _ in each.blocked()}
    for table in sorted(before & change.blocked.keys()):
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
