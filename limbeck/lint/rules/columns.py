"""Rules about columns of existing tables: added, retyped, made NOT NULL."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, Rule
from limbeck.lint.rules.simple import added_constraints, altered_columns, rewriting_columns
from limbeck.lint.trace.facts import Column


def _is_serial(column: Column) -> bool:
    return (column.default or "").startswith("nextval(")


def _has_volatile_default(column: Column) -> bool:
    special = column.identity or column.generated or column.strict or _is_serial(column)
    return column.default is not None and not special


def _add_column_inline_fk(change: Change) -> Iterator[Finding]:
    for constraint in change.added_constraints("f"):
        if change.inline(constraint) and {constraint.table, constraint.other} & {*change.blocked}:
            own = constraint.table in change.blocked
            yield Finding(
                constraint.table if own else constraint.other,
                {
                    "constraint": constraint,
                    "own": change.name(constraint.table),
                    "other": change.name(constraint.other),
                },
            )


def _alter_column_type_recheck(change: Change) -> Iterator[Finding]:
    for was, now in change.altered_columns():
        if was.type == now.type or now.table in change.rewritten:
            continue
        values = {"was": was, "now": now, "own": change.name(now.table)}
        if now.table in change.blocked:
            yield Finding(now.table, values)
        for other in sorted(change.strong().keys() - {now.table}):
            yield Finding(other, values, "key", "warning")


def _changes_collation(change: Change, was: Column, now: Column) -> bool:
    rebuilds = now.table in change.blocked and now.table not in change.rewritten
    return rebuilds and was.type == now.type and was.collation != now.collation


def _is_scanned_for_nulls(change: Change, was: Column, now: Column) -> bool:
    # A new primary key makes its columns NOT NULL: other rules report that scan.
    keyed = {constraint.table for constraint in change.added_constraints("p")}
    scanned = now.table in change.blocked.keys() - change.rewritten - keyed
    return scanned and now.not_null and not was.not_null


RULES = (
    Rule("add-column-volatile-default", rewriting_columns(_has_volatile_default)),
    Rule(
        "add-column-serial",
        rewriting_columns(lambda column: _is_serial(column) and not column.identity),
    ),
    Rule("add-column-identity", rewriting_columns(lambda column: bool(column.identity))),
    Rule(
        "add-column-generated-stored",
        rewriting_columns(lambda column: column.generated == "s"),
    ),
    Rule(
        "add-column-constrained-domain",
        rewriting_columns(lambda column: column.strict and column.generated != "s"),
    ),
    Rule(
        "set-expression-stored",
        altered_columns(
            lambda change, was, now: (
                was.generated == now.generated == "s"
                and was.default != now.default
                and now.table in change.rewritten
            )
        ),
    ),
    Rule(
        "add-column-inline-check",
        added_constraints(
            "c",
            lambda change, new: (
                new.table in change.blocked.keys() - change.rewritten and change.inline(new)
            ),
        ),
    ),
    Rule(
        "add-column-inline-unique",
        added_constraints(
            "u", lambda change, new: new.table in change.blocked and change.inline(new)
        ),
    ),
    Rule(
        "add-column-inline-pk",
        added_constraints(
            "p", lambda change, new: new.table in change.blocked and change.inline(new)
        ),
    ),
    Rule("add-column-inline-fk", _add_column_inline_fk),
    Rule(
        "alter-column-type-rewrite",
        altered_columns(
            lambda change, was, now: was.type != now.type and now.table in change.rewritten
        ),
    ),
    Rule("alter-column-type-recheck", _alter_column_type_recheck),
    Rule("alter-column-collation", altered_columns(_changes_collation)),
    Rule("set-not-null", altered_columns(_is_scanned_for_nulls)),
)
