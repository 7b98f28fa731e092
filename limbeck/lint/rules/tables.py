"""Whole tables: rewritten, emptied, moved; and what is locked beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, rule, waiting
from limbeck.lint.trace.facts import Relation
from limbeck.lint.trace.statement import strength

COPY = "Make a new table, copy the rows in batches, keep both in step with a trigger, change over."


def _moved(
    change: Change, differs: Callable[[Relation, Relation], bool], why: str, recipe: str
) -> Iterator[Finding]:
    for table in sorted(change.rewritten):
        was, now = change.before.relations[table], change.after.relations[table]
        if was.kind in "rm" and differs(was, now):
            message = f"{why} writes all of {was} anew; meanwhile {waiting(change, table)}"
            yield Finding(table, message, recipe)


@rule("set-logged-unlogged", "blocking")
def set_logged_unlogged(change: Change) -> Iterator[Finding]:
    """SET LOGGED and SET UNLOGGED copy the table under the strongest lock."""
    yield from _moved(
        change, lambda was, now: was.persistence != now.persistence, "SET [UN]LOGGED", COPY
    )


@rule("set-tablespace", "blocking")
def set_tablespace(change: Change) -> Iterator[Finding]:
    """SET TABLESPACE copies the table under the strongest lock."""
    yield from _moved(change, lambda was, now: was.space != now.space, "SET TABLESPACE", COPY)


@rule("set-access-method", "blocking")
def set_access_method(change: Change) -> Iterator[Finding]:
    """SET ACCESS METHOD copies the table under the strongest lock."""
    yield from _moved(change, lambda was, now: was.method != now.method, "SET ACCESS METHOD", COPY)


@rule("vacuum-full-cluster", "blocking")
def vacuum_full_cluster(change: Change) -> Iterator[Finding]:
    """VACUUM FULL and CLUSTER copy the table under the strongest lock."""
    if change.statement.tag in {"VACUUM", "CLUSTER"}:
        yield from _moved(
            change,
            lambda was, now: was.space == now.space,
            change.statement.tag,
            "pg_repack or pg_squeeze do it while everybody goes on; plain VACUUM needs no window.",
        )


@rule("truncate", "blocking")
def truncate(change: Change) -> Iterator[Finding]:
    """TRUNCATE takes away all rows, and waits for everybody who reads the table."""
    if change.statement.tag == "TRUNCATE TABLE":
        for table in sorted(change.rewritten):
            if change.is_table(table):
                yield Finding(
                    table,
                    f"TRUNCATE takes away all rows of {change.name(table)}; meanwhile "
                    f"{waiting(change, table)}",
                    "Is the data needed nowhere? Then delete in batches, or rename the table "
                    "away and drop it when nobody missed it.",
                )


@rule("refresh-matview", "blocking")
def refresh_matview(change: Change) -> Iterator[Finding]:
    """REFRESH MATERIALIZED VIEW keeps the view's readers out; CONCURRENTLY other refreshes."""
    for oid in sorted(change.blocked):
        if change.before.relations[oid].kind == "m":
            plain = strength(change.mode(oid)) > strength("ExclusiveLock")
            yield Finding(
                oid,
                f"the query of {change.name(oid)} runs while "
                + (waiting(change, oid) if plain else "other refreshes wait (EXCLUSIVE)"),
                "REFRESH ... CONCURRENTLY lets readers go on (it needs a unique index on the "
                "view); run it in a job, not in a revision.",
            )


@rule("drop-fk-locks-both", "warning")
def drop_fk_locks_both(change: Change) -> Iterator[Finding]:
    """Dropping a foreign key, or what it is on, locks the referenced table as strongly."""
    after = change.after.constraints
    for oid, one in sorted(change.before.constraints.items()):
        dropped = one.kind == "f" and oid not in after and one.other in change.strong()
        kept = one.other in change.after.relations and one.other != one.table
        if dropped and kept and not any(now.name == one.name for now in after.values()):
            yield Finding(
                one.other,
                f"dropping the foreign key {one.name} locks {change.name(one.other)} too: while "
                f"it queues, {waiting(change, one.other)}",
                "Drop the foreign key first, in a revision of its own, with a short LOCK_TIMEOUT.",
            )


@rule("fk-locks-referenced", "warning")
def fk_locks_referenced(change: Change) -> Iterator[Finding]:
    """Any new foreign key, a new table's too, waits for those who write the referenced table."""
    new = change.after.constraints.keys() - change.before.constraints.keys()
    for one in (change.after.constraints[oid] for oid in sorted(new)):
        locked = one.kind == "f" and not one.parent and one.other in change.strong()
        if locked and one.other != one.table and one.other not in change.blocked:
            yield Finding(
                one.other,
                f"the foreign key {one.name} locks {change.name(one.other)} for a moment: while "
                f"it queues, {waiting(change, one.other)}",
                "Let LOCK_TIMEOUT be short, and one such foreign key stand in one revision.",
                "warning" if change.exists(one.table) else "note",
            )
