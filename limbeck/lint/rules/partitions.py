"""Partitions: attached, detached, made, dropped."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, rule, spelt, waiting
from limbeck.lint.trace.facts import Relation
from limbeck.lint.trace.statement import strength


def _reparented(change: Change) -> Iterator[tuple[Relation, Relation]]:
    for oid, now in sorted(change.after.relations.items()):
        was = change.before.relations.get(oid)
        if was and was.parent != now.parent and now.kind in "rp":
            yield was, now


@rule("attach-partition-scan", "blocking")
def attach_partition_scan(change: Change) -> Iterator[Finding]:
    """ATTACH PARTITION reads the new partition, and the default one, under the strongest lock."""
    for was, now in _reparented(change):
        if was.parent is None:
            for table in sorted(change.blocked):
                yield Finding(
                    table,
                    f"attaching {now} reads all of {change.name(table)}; meanwhile "
                    f"{waiting(change, table)}",
                    f"Before it, give {change.name(table)} a CHECK that says where its rows "
                    "belong (and NOT NULL), NOT VALID, then VALIDATE: ATTACH believes a valid one.",
                )


@rule("create-partition-of", "warning")
def create_partition_of(change: Change) -> Iterator[Finding]:
    """CREATE TABLE ... PARTITION OF waits for everybody who uses the parent."""
    new = change.after.relations.keys() - change.before.relations.keys()
    for one in (change.after.relations[oid] for oid in sorted(new)):
        if one.kind in "rp" and one.parent in change.strong():
            yield Finding(
                one.parent,
                f"making the partition {one} is short, but while it queues "
                f"{waiting(change, one.parent)}",
                f"CREATE TABLE {one} (LIKE {change.name(one.parent)} ...), then ATTACH PARTITION: "
                "that locks the parent less (SHARE UPDATE EXCLUSIVE).",
            )


@rule("detach-partition", "warning")
def detach_partition(change: Change) -> Iterator[Finding]:
    """DETACH PARTITION waits for everybody who uses the parent."""
    for was, now in _reparented(change):
        if was.parent in change.strong() and now.parent is None:
            yield Finding(
                was.parent,
                f"detaching {was} is short, but while it queues {waiting(change, was.parent)}",
                "DETACH PARTITION ... CONCURRENTLY, in an autocommit block (not with a DEFAULT "
                "partition).",
            )


@rule("drop-partition", "warning")
def drop_partition(change: Change) -> Iterator[Finding]:
    """DROP TABLE of a partition takes its rows, and locks the parent as strongly."""
    for one in change.gone():
        mode = change.statement.locks.get(one.parent or 0)
        if one.parent and one.kind in "rp" and strength(mode) >= strength("ShareLock"):
            yield Finding(
                one.parent,
                f"dropping {one} takes its rows, and locks {change.name(one.parent)} "
                f"({spelt(mode or '')}): while it queues {waiting(change, one.parent)}",
                "DETACH PARTITION ... CONCURRENTLY first, DROP TABLE afterwards.",
            )
