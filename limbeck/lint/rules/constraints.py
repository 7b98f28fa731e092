"""Constraints on existing tables."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, rule, waiting
from limbeck.lint.trace.facts import Constraint


@rule("add-check-validated", "blocking")
def add_check_validated(change: Change) -> Iterator[Finding]:
    """A CHECK without NOT VALID reads the whole table under the strongest lock."""
    retyped = {now.table for was, now in change.altered_columns() if was.type != now.type}
    for one in change.added_constraints("c"):
        plain = one.valid and not change.inline(one) and one.table not in retyped
        if plain and one.table in change.blocked.keys() - change.rewritten:
            table = change.name(one.table)
            yield Finding(
                one.table,
                f"the new CHECK {one.name} reads all of {table}; meanwhile "
                f"{waiting(change, one.table)}",
                f"ALTER TABLE {table} ADD CONSTRAINT {one.name} CHECK (...) NOT VALID; in the "
                f"next revision ALTER TABLE {table} VALIDATE CONSTRAINT {one.name}.",
            )


def _foreign_keys(change: Change, *, partitioned: bool) -> Iterator[tuple[Constraint, list[int]]]:
    for one in change.added_constraints("f"):
        is_partitioned = change.after.relations[one.table].kind == "p"
        if one.valid and not change.inline(one) and is_partitioned == partitioned:
            both = {one.table, one.other} if not partitioned else change.blocked.keys()
            if found := sorted(both & change.blocked.keys()):
                yield one, found


@rule("add-fk-validated", "blocking")
def add_fk_validated(change: Change) -> Iterator[Finding]:
    """A FOREIGN KEY without NOT VALID checks every row while nobody writes to either table."""
    for one, found in _foreign_keys(change, partitioned=False):
        table, other = change.name(one.table), change.name(one.other)
        for at in found:
            yield Finding(
                at,
                f"the new foreign key {one.name} checks every row of {table} against {other}; "
                f"meanwhile {waiting(change, at)}",
                f"ALTER TABLE {table} ADD CONSTRAINT {one.name} FOREIGN KEY (...) REFERENCES "
                f"{other} NOT VALID; in the next revision ALTER TABLE {table} VALIDATE CONSTRAINT "
                f"{one.name}, which lets everybody read and write.",
            )


@rule("fk-on-partitioned", "blocking")
def fk_on_partitioned(change: Change) -> Iterator[Finding]:
    """A foreign key of a partitioned table is checked in all partitions at once."""
    for one, found in _foreign_keys(change, partitioned=True):
        table, other = change.name(one.table), change.name(one.other)
        for at in found:
            yield Finding(
                at,
                f"the new foreign key {one.name} of {table} checks all partitions; meanwhile "
                f"{waiting(change, at)}",
                f"Add it to each partition NOT VALID, VALIDATE each in a revision of its own, "
                f"then add it to {table}: the checked ones are taken over. From Postgres 18 on "
                f"NOT VALID can be said on {table} itself (REFERENCES {other} NOT VALID).",
            )


@rule("add-unique-constraint", "blocking")
def add_unique_constraint(change: Change) -> Iterator[Finding]:
    """ADD UNIQUE builds its index under the strongest lock."""
    for one in change.added_constraints("u"):
        built = one.index in change.statement.built() and one.table in change.blocked
        if built and not change.inline(one):
            table, columns = change.name(one.table), change.columns(one.table, one.columns)
            yield Finding(
                one.table,
                f"the new UNIQUE ({columns}) builds its index at once; meanwhile "
                f"{waiting(change, one.table)}",
                f"CREATE UNIQUE INDEX CONCURRENTLY {one.name} ON {table} ({columns}); then ALTER "
                f"TABLE {table} ADD CONSTRAINT {one.name} UNIQUE USING INDEX {one.name}.",
            )


@rule("add-primary-key", "blocking")
def add_primary_key(change: Change) -> Iterator[Finding]:
    """ADD PRIMARY KEY builds its index under the strongest lock."""
    for one in change.added_constraints("p"):
        built = one.index in change.statement.built() and one.table in change.blocked
        if built and not change.inline(one):
            table, columns = change.name(one.table), change.columns(one.table, one.columns)
            yield Finding(
                one.table,
                f"the new PRIMARY KEY ({columns}) builds its index at once; meanwhile "
                f"{waiting(change, one.table)}",
                f"CREATE UNIQUE INDEX CONCURRENTLY {one.name} ON {table} ({columns}); make the "
                f"columns NOT NULL as in set-not-null; then ALTER TABLE {table} ADD CONSTRAINT "
                f"{one.name} PRIMARY KEY USING INDEX {one.name}.",
            )


@rule("pk-using-index-nullable", "blocking")
def pk_using_index_nullable(change: Change) -> Iterator[Finding]:
    """PRIMARY KEY USING INDEX on a column that may be NULL hides a SET NOT NULL."""
    for one in change.added_constraints("p"):
        if one.index not in change.statement.built() and one.table in change.blocked:
            table = change.name(one.table)
            yield Finding(
                one.table,
                f"the columns of {one.name} may be NULL, so all of {table} is read first; "
                f"meanwhile {waiting(change, one.table)}",
                "Make the columns NOT NULL before, as in set-not-null; a valid CHECK (... IS NOT "
                "NULL) is enough.",
            )


@rule("add-exclusion-constraint", "blocking")
def add_exclusion_constraint(change: Change) -> Iterator[Finding]:
    """ADD EXCLUDE builds its index under the strongest lock; there is no CONCURRENTLY for it."""
    for one in change.added_constraints("x"):
        if one.table in change.blocked:
            yield Finding(
                one.table,
                f"the new exclusion constraint {one.name} builds its index at once; meanwhile "
                f"{waiting(change, one.table)}",
                "There is no CONCURRENTLY form: make a new table with the constraint, copy the "
                "rows in batches and change over; or do it in a window.",
            )


@rule("alter-domain-constraint", "blocking")
def alter_domain_constraint(change: Change) -> Iterator[Finding]:
    """A domain's new constraint is checked in every table that uses the domain."""
    new = change.after.constraints.keys() - change.before.constraints.keys()
    touched = {
        one.domain for one in (*change.validated(), *map(change.after.constraints.get, new)) if one
    }
    strict = {
        oid
        for oid, now in change.after.types.items()
        if now.kind == "d" and (was := change.before.types.get(oid)) and was != now
    }
    for oid in sorted((touched | strict) & change.after.types.keys()):
        for table in sorted(change.blocked):
            yield Finding(
                table,
                f"the constraint of domain {change.after.types[oid]} is checked in all of "
                f"{change.name(table)}; meanwhile {waiting(change, table)}",
                "VALIDATE locks the tables too, so a domain has no form that does not: put a "
                "CHECK on the tables instead, NOT VALID first; or choose a quiet hour.",
            )


@rule("not-valid-and-validate-together", "blocking")
def not_valid_and_validate_together(change: Change) -> Iterator[Finding]:
    """VALIDATE in the transaction of NOT VALID reads the table under the strong lock."""
    for one in change.validated():
        if one.table in change.blocked:
            yield _together(change, one)


def _together(change: Change, one: Constraint) -> Finding:
    return Finding(
        one.table,
        f"{one.name} is validated in the transaction that added it, whose strong lock is "
        f"still held while all of {change.name(one.table)} is read; meanwhile "
        f"{waiting(change, one.table)}",
        "VALIDATE in a revision of its own: its own lock lets everybody read and write.",
    )
