"""Rules about objects that are dropped or loosened while the old application may rely on them."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, Rule
from limbeck.lint.rules.renamed import KINDS
from limbeck.lint.rules.simple import dropped_constraints


def _drop_column_in_use(change: Change) -> Iterator[Finding]:
    for column in change.dropped_columns():
        yield Finding(column.table, {"column": column})


def _drop_table_in_use(change: Change) -> Iterator[Finding]:
    gone = [*change.gone()]
    names = {str(relation) for relation in change.end.relations.values()} if gone else set()
    for relation in gone:
        is_used = relation.kind in "rpvm" and relation.parent is None
        if is_used and str(relation) not in names:
            kind = KINDS.get(relation.kind, "table")
            yield Finding(
                relation.oid,
                {"kind": kind, "relation": relation},
                "" if kind == "table" else "view",
            )


def _drop_database_schema(change: Change) -> Iterator[Finding]:
    for was, now in change.others.values():
        if was and was.kind == "schema" and now is None:
            yield Finding(values={"schema": was})


def _drop_cascade(change: Change) -> Iterator[Finding]:
    tag = change.statement.tag
    if not tag.startswith(("DROP ", "ALTER ")):
        return
    views = [
        str(view)
        for view in change.gone()
        if view.kind in "vm" and KINDS[view.kind].upper() not in tag
    ]
    keys = [
        f"foreign key {constraint.name}"
        for constraint in change.dropped_constraints("f")
        if tag != "ALTER TABLE"
    ]
    if views or keys:
        yield Finding(values={"objects": ", ".join([*views, *keys])})


def _drop_not_null_default(change: Change) -> Iterator[Finding]:
    for was, now in change.altered_columns():
        if was.not_null and not now.not_null:
            yield Finding(now.table, {"column": now}, "null")
        if was.default and not now.default and not was.generated:
            yield Finding(now.table, {"column": now}, "default")
    dropped = {(column.table, column.number) for column in change.dropped_columns()}
    for constraint in change.dropped_constraints("cux"):
        with_column = dropped & {(constraint.table, number) for number in constraint.columns}
        if not with_column and constraint.oid in change.start.constraints:
            yield Finding(constraint.table, {"constraint": constraint})


RULES = (
    Rule("drop-column-in-use", _drop_column_in_use),
    Rule("drop-table-in-use", _drop_table_in_use),
    Rule("drop-database-schema", _drop_database_schema),
    Rule("drop-cascade", _drop_cascade),
    Rule("drop-fk-semantics", dropped_constraints("f")),
    Rule("drop-not-null-default", _drop_not_null_default),
    Rule("drop-pk", dropped_constraints("p")),
)
