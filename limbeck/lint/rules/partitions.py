"""Rules about partitions: attached, detached, created, dropped."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, Rule, spelt
from limbeck.lint.trace.facts import Relation
from limbeck.lint.trace.statement import strength


def _reparented(change: Change) -> Iterator[tuple[Relation, Relation]]:
    for was, now in change.statement.relations().values():
        if was and now and was.parent != now.parent and now.kind in "rp":
            yield was, now


def _attach_partition_scan(change: Change) -> Iterator[Finding]:
    for was, now in _reparented(change):
        if was.parent is None:
            for table in sorted(change.blocked):
                yield Finding(table, {"partition": now})


def _create_partition_of(change: Change) -> Iterator[Finding]:
    for was, now in change.statement.relations().values():
        if now and not was and now.kind in "rp" and now.parent in change.strong():
            yield Finding(now.parent, {"partition": now})


def _detach_partition(change: Change) -> Iterator[Finding]:
    for was, now in _reparented(change):
        if was.parent in change.strong() and now.parent is None:
            yield Finding(was.parent, {"partition": was})


def _drop_partition(change: Change) -> Iterator[Finding]:
    for partition in change.gone():
        mode = change.statement.locks.get(partition.parent or 0, "")
        if partition.parent and partition.kind in "rp" and strength(mode) >= strength("ShareLock"):
            yield Finding(partition.parent, {"partition": partition, "lock": spelt(mode)})


RULES = (
    Rule("attach-partition-scan", _attach_partition_scan),
    Rule("create-partition-of", _create_partition_of),
    Rule("detach-partition", _detach_partition),
    Rule("drop-partition", _drop_partition),
)
