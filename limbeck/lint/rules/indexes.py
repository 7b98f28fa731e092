"""Rules about indexes of existing tables."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Find, Finding, Rule
from limbeck.lint.trace.facts import Index


def _built(*, partitioned: bool) -> Find:
    def find(change: Change) -> Iterator[Finding]:
        for index in _separate(change):
            if _inherited(change, index) == partitioned:
                yield Finding(index.table, {"index": change.after.name(index.oid)})

    return find


def _separate(change: Change) -> Iterator[Index]:
    """Yield the indexes that are built by themselves, not for a constraint or by a rewrite."""
    retyped = {now.table for was, now in change.altered_columns()}
    for index in change.built():
        separate = not change.constrained(index) and index.table not in change.rewritten
        if index.table in change.blocked and separate and index.table not in retyped:
            yield index


def _inherited(change: Change, index: Index) -> bool:
    parent = change.after.relations[index.table].parent
    return parent is not None and any(other.table == parent for other in change.built())


def _drop_index_blocking(change: Change) -> Iterator[Finding]:
    for index in change.gone() if change.statement.tag == "DROP INDEX" else ():
        if index.kind in "iI":
            table = change.before.indexes[index.oid].table
            if table in change.strong():
                yield Finding(table, {"index": index})


def _reindex_blocking(change: Change) -> Iterator[Finding]:
    if change.statement.tag == "REINDEX":
        for table in sorted(change.blocked.keys() - change.before.indexes.keys()):
            yield Finding(table)


def _unique_index_on_duplicates(change: Change) -> Iterator[Finding]:
    for index in change.built():
        if index.unique and not any((index.table, key) in change.fresh for key in index.columns):
            yield Finding(index.table, {"columns": change.columns(index.table, index.columns)})


def _invalid_index_left(change: Change) -> Iterator[Finding]:
    if change.target is None or change.statement.tag != "CREATE INDEX":
        return
    for table in sorted(change.statement.locks):
        for name in change.target.invalid.get(change.name(table), ()):
            yield Finding(table, {"index": name, "environment": change.target.environment})


RULES = (
    Rule("create-index-blocking", _built(partitioned=False)),
    Rule("index-on-partitioned", _built(partitioned=True)),
    Rule("drop-index-blocking", _drop_index_blocking),
    Rule("reindex-blocking", _reindex_blocking),
    Rule("unique-index-on-duplicates", _unique_index_on_duplicates),
    Rule("invalid-index-left", _invalid_index_left),
)
