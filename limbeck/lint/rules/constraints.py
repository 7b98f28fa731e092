"""Rules about constraints on existing tables."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Find, Finding, Rule
from limbeck.lint.rules.simple import added_constraints
from limbeck.lint.trace.facts import Constraint


def _reads_table(change: Change, new: Constraint) -> bool:
    # A change of type checks the CHECKs of the table again: alter-column-type-recheck reports it.
    retyped = {now.table for was, now in change.altered_columns() if was.type != now.type}
    separate = new.valid and not change.inline(new) and new.table not in retyped
    return separate and new.table in change.blocked.keys() - change.rewritten


def _foreign_keys(*, partitioned: bool) -> Find:
    def find(change: Change) -> Iterator[Finding]:
        for new in change.added_constraints("f"):
            is_partitioned = change.after.relations[new.table].kind == "p"
            if not new.valid or change.inline(new) or is_partitioned != partitioned:
                continue
            # Of a partitioned table the partitions on either side are locked as well.
            tables = change.blocked.keys() if partitioned else {new.table, new.other}
            names = {"own": change.name(new.table), "other": change.name(new.other)}
            for table in sorted(tables & change.blocked.keys()):
                yield Finding(table, {"constraint": new, **names})

    return find


def _builds_index(change: Change, new: Constraint) -> bool:
    builds = new.index in change.statement.built() and new.table in change.blocked
    return builds and not change.inline(new)


def _alter_domain_constraint(change: Change) -> Iterator[Finding]:
    new = (now for was, now in change.constraints.values() if now and not was)
    touched = {constraint.domain for constraint in (*change.validated(), *new)}
    touched |= {oid for oid, (was, now) in change.types.items() if was and now and now.kind == "d"}
    for oid in sorted(touched):
        for table in sorted(change.blocked) if oid in change.after.types else ():
            yield Finding(table, {"domain": change.after.types[oid]})


def _not_valid_and_validate_together(change: Change) -> Iterator[Finding]:
    for constraint in change.validated():
        if constraint.table in change.blocked:
            yield Finding(constraint.table, {"constraint": constraint})


RULES = (
    Rule("add-check-validated", added_constraints("c", _reads_table)),
    Rule("add-fk-validated", _foreign_keys(partitioned=False)),
    Rule("fk-on-partitioned", _foreign_keys(partitioned=True)),
    Rule("add-unique-constraint", added_constraints("u", _builds_index)),
    Rule("add-primary-key", added_constraints("p", _builds_index)),
    Rule(
        "pk-using-index-nullable",
        added_constraints(
            "p",
            lambda change, new: (
                new.index not in change.statement.built() and new.table in change.blocked
            ),
        ),
    ),
    Rule(
        "add-exclusion-constraint",
        added_constraints("x", lambda change, new: new.table in change.blocked),
    ),
    Rule("alter-domain-constraint", _alter_domain_constraint),
    Rule("not-valid-and-validate-together", _not_valid_and_validate_together),
)
