"""Transactions: what is held while something else works, and what may not stand in one."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, blocks, rule, spelt
from limbeck.lint.trace.statement import Statement, strength

ENDS = {"BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "SAVEPOINT", "PREPARE TRANSACTION"}
PATIENCE = 10_000  # milliseconds: longer than anybody waits for a page
DATA = {"INSERT", "UPDATE", "DELETE", "MERGE", "COPY"}


@rule("enum-value-in-transaction", "blocking")
def enum_value_in_transaction(change: Change) -> Iterator[Finding]:
    """A new enum value may not be used before the transaction that adds it has committed."""
    failure = change.statement.failure
    if failure and failure.sqlstate == "55P04":
        yield Finding(
            None,
            f"it fails: {failure.message}",
            "Add the value in one revision, or in an autocommit block, and use it in the next.",
        )


@rule("concurrently-in-transaction", "blocking")
def concurrently_in_transaction(change: Change) -> Iterator[Finding]:
    """CONCURRENTLY, VACUUM and the like cannot run in a transaction."""
    failure = change.statement.failure
    if failure and failure.sqlstate == "25001":
        yield Finding(
            None,
            f"it fails: {failure.message}",
            "with op.get_context().autocommit_block(): around the statement.",
        )


@rule("uncommitted-or-nested-transaction", "blocking")
def uncommitted_or_nested_transaction(change: Change) -> Iterator[Finding]:
    """A revision that commits by itself stands half done when it fails afterwards."""
    if change.statement.tag in {"BEGIN", "START TRANSACTION", "COMMIT", "PREPARE TRANSACTION"}:
        yield Finding(
            None,
            f"{change.statement.tag} in a revision: what ran before it stays when the rest "
            "fails, and the version row is not with it",
            "Leave transactions to Alembic; what must commit first goes into a revision of its "
            "own, or into an autocommit block.",
        )


def _milliseconds(statement: Statement, setting: str) -> int:
    return int(statement.settings.get(setting, "0") or 0)


@rule("lock-timeout-too-long-or-zero", "warning")
def lock_timeout_too_long_or_zero(change: Change) -> Iterator[Finding]:
    """A strong lock that is waited for without end lets everybody queue behind it."""
    if "lock_timeout" not in change.statement.settings:
        return
    wait = _milliseconds(change.statement, "lock_timeout")
    locked = change.strong() if wait == 0 or wait > PATIENCE else {}
    for table, mode in sorted(locked.items())[:1]:
        long = f"up to {wait // 1000} s" if wait else "without end"
        yield Finding(
            table,
            f"{spelt(mode)} on {change.name(table)} is waited for {long}; behind a long query "
            f"all {blocks(mode)} queue up meanwhile",
            "LOCK_TIMEOUT=500ms in the profile, and no SET lock_timeout in the revision.",
        )


@rule("cic-under-lock-timeout", "warning")
def cic_under_lock_timeout(change: Change) -> Iterator[Finding]:
    """Under a lock_timeout CONCURRENTLY is given up while it waits, and leaves an INVALID index."""
    wait = _milliseconds(change.statement, "lock_timeout")
    if change.statement.waits and wait and _set_here(change, "lock_timeout"):
        yield Finding(
            _first(change),
            f"lock_timeout is {wait} ms, and CONCURRENTLY waits for every older transaction of "
            "the database: it is given up then, and an INVALID index stays",
            "SET lock_timeout = 0 before it.",
        )


@rule("statement-timeout-on-long-safe-step", "warning")
def statement_timeout_on_long_safe_step(change: Change) -> Iterator[Finding]:
    """Under a short statement_timeout the slow and harmless steps fail on big tables."""
    limit = _milliseconds(change.statement, "statement_timeout")
    validates = any(True for _ in change.validated()) and not change.blocked
    long = change.statement.waits or validates
    if limit and long and _set_here(change, "statement_timeout"):
        yield Finding(
            _first(change),
            f"statement_timeout is {limit} ms for a step that takes as long as the table is big",
            "SET statement_timeout = 0 before it: it blocks nobody.",
        )


def _set_here(change: Change, setting: str) -> bool:
    """Whether the revision itself has changed a setting."""
    said = (one.text.lower() for one in change.trace.statements if one.tag == "SET")
    return any(setting in text for text in said)


def _first(change: Change) -> int | None:
    tables = [oid for oid in sorted(change.statement.locks) if change.is_table(oid)]
    return tables[0] if tables else None


def _held(change: Change) -> dict[int, str]:
    """Return the existing tables that an earlier statement of the transaction locked strongly."""
    earlier = change.earlier()
    return {
        oid: mode
        for oid, mode in (earlier[-1].held.items() if earlier else ())
        if strength(mode) >= strength("ShareLock") and change.is_table(oid)
    }


@rule("backfill-with-ddl", "blocking")
def backfill_with_ddl(change: Change) -> Iterator[Finding]:
    """Rows that are written in the transaction of a schema change keep its lock all the while."""
    if change.statement.tag.split(" ")[0] not in DATA | {"DO", "SELECT"}:
        return
    if not _works_on_all(change):
        return
    for table, mode in sorted(_held(change).items())[:1]:
        yield Finding(
            table,
            f"rows are written while {spelt(mode)} on {change.name(table)}, taken before in the "
            f"same transaction, is held: its {blocks(mode)} wait for all of it",
            "Split it: one revision for the schema, one for the rows, in batches.",
        )


def _works_on_all(change: Change) -> bool:
    changed = (work for oid, work in change.statement.work.items() if change.is_table(oid))
    return any(work.scans and (work.updated + work.deleted + work.inserted) for work in changed)


@rule("long-transaction-after-strong-lock", "blocking")
def long_transaction_after_strong_lock(change: Change) -> Iterator[Finding]:
    """Work on one table keeps the lock on another that the transaction took before."""
    if change.statement.tag.split(" ")[0] in DATA:
        return
    worked = {oid for oid in change.statement.worked_on() if change.is_table(oid)}
    held = {oid: mode for oid, mode in _held(change).items() if oid not in worked}
    for table, mode in sorted(held.items())[:1] if worked else ():
        yield Finding(
            table,
            f"{', '.join(map(change.name, sorted(worked)))} is worked through while {spelt(mode)} "
            f"on {change.name(table)}, taken before in the same transaction, is held: its "
            f"{blocks(mode)} wait for all of it",
            "Give each table a revision of its own.",
        )


@rule("multi-table-strong-locks", "warning")
def multi_table_strong_locks(change: Change) -> Iterator[Finding]:
    """Strong locks on several tables in one transaction can deadlock with the application."""
    held = {oid for oid, mode in _held(change).items() if _strongest(mode)}
    new = {oid for oid, mode in change.strong().items() if _strongest(mode)} - held
    if held and new:
        tables = ", ".join(change.name(oid) for oid in sorted(held))
        yield Finding(
            min(new),
            f"ACCESS EXCLUSIVE on {change.name(min(new))} is asked for while {tables} is held: "
            "a session that uses both in the other order deadlocks with it",
            "Give each table a revision of its own.",
        )


def _strongest(mode: str) -> bool:
    return strength(mode) == strength("AccessExclusiveLock")


@rule("multiple-alter-same-table", "warning")
def multiple_alter_same_table(change: Change) -> Iterator[Finding]:
    """Several statements that each go through the whole table."""
    if change.statement.tag != "ALTER TABLE":
        return
    statements = change.trace.statements
    at = next(place for place, one in enumerate(statements) if one is change.statement)
    alters = (one for one in statements[:at] if one.tag == "ALTER TABLE")
    before = {oid for one in alters for oid, _ in one.blocked()}
    for table in sorted(before & change.blocked.keys()):
        yield Finding(
            table,
            f"{change.name(table)} is gone through a second time in this revision",
            "Put the changes into one ALTER TABLE: it goes through the table once.",
        )
