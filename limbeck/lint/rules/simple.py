"""Functions that make a rule of a predicate, one for each kind of object that rules look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Find, Finding
from limbeck.lint.trace.facts import Column, Constraint, Relation
from limbeck.lint.trace.statement import Failure

OfColumn: TypeAlias = Callable[[Change, Column, Column], bool]
OfConstraint: TypeAlias = Callable[[Change, Constraint], bool]


def altered_columns(applies: OfColumn) -> Find:
    """Find the altered columns of existing tables for which a predicate holds: before, after."""

    def find(change: Change) -> Iterator[Finding]:
        for was, now in change.altered_columns():
            if applies(change, was, now):
                yield Finding(now.table, {"was": was, "now": now})

    return find


def rewriting_columns(applies: Callable[[Column], bool]) -> Find:
    """Find the new columns that have their table rewritten and for which a predicate holds."""

    def find(change: Change) -> Iterator[Finding]:
        for table in sorted(change.rewritten):
            for column in change.added_columns(table):
                if applies(column):
                    yield Finding(table, {"column": column})

    return find


def added_constraints(kinds: str, applies: OfConstraint) -> Find:
    """Find the new constraints of some kinds (contype) for which a predicate holds."""

    def find(change: Change) -> Iterator[Finding]:
        for constraint in change.added_constraints(kinds):
            if applies(change, constraint):
                columns = change.columns(constraint.table, constraint.columns)
                yield Finding(constraint.table, {"constraint": constraint, "columns": columns})

    return find


def dropped_constraints(kinds: str) -> Find:
    """Find the dropped constraints of some kinds (contype)."""

    def find(change: Change) -> Iterator[Finding]:
        for constraint in change.dropped_constraints(kinds):
            yield Finding(constraint.table, {"constraint": constraint})

    return find


def rewritten_relations(applies: Callable[[Relation, Relation], bool], *tags: str) -> Find:
    """Find the rewritten tables and materialized views for which a predicate holds.

    With `tags`, only statements with one of these command tags count.
    """

    def find(change: Change) -> Iterator[Finding]:
        if tags and change.statement.tag not in tags:
            return
        for table in sorted(change.rewritten):
            was, now = change.before.relations[table], change.after.relations[table]
            if was.kind in "rm" and applies(was, now):
                yield Finding(table, {"tag": change.statement.tag})

    return find


def failures(applies: Callable[[Failure], bool]) -> Find:
    """Find a statement that Postgres refused, if a predicate holds for the error."""

    def find(change: Change) -> Iterator[Finding]:
        failure = change.statement.failure
        if failure and applies(failure):
            yield Finding(values={"failure": failure})

    return find
