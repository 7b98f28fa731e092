"""Columns of existing tables: added, retyped, made NOT NULL."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, rule, waiting
from limbeck.lint.trace.facts import Column

EXPAND = (
    "Add a new column, keep both in step with a trigger, fill it in batches, build its indexes "
    "CONCURRENTLY, then let the application change over and drop the old one."
)


def _rewriting(
    change: Change, wanted: Callable[[Column], bool], why: str, recipe: str
) -> Iterator[Finding]:
    for table in sorted(change.rewritten):
        for column in change.added_columns(table):
            if wanted(column):
                message = (
                    f"adding {column.name} {why}, so every row of {change.name(table)} is "
                    f"written anew, with all its indexes; meanwhile {waiting(change, table)}"
                )
                yield Finding(table, message, recipe.format(t=change.name(table), c=column.name))


def _is_serial(column: Column) -> bool:
    return (column.default or "").startswith("nextval(")


@rule("add-column-volatile-default", "blocking")
def add_column_volatile_default(change: Change) -> Iterator[Finding]:
    """A default that differs from row to row has to be written into every row."""

    def volatile(column: Column) -> bool:
        special = column.identity or column.generated or column.strict or _is_serial(column)
        return column.default is not None and not special

    yield from _rewriting(
        change,
        volatile,
        "with a default that is another in each row",
        "Add {c} without a default; ALTER TABLE {t} ALTER {c} SET DEFAULT ... for new rows; fill "
        "the old rows in batches; a constant or now() as default would need no rewrite.",
    )


@rule("add-column-serial", "blocking")
def add_column_serial(change: Change) -> Iterator[Finding]:
    """A serial column numbers every row at once."""
    yield from _rewriting(
        change,
        lambda column: _is_serial(column) and not column.identity,
        "as serial numbers every row",
        "Add {c} as a plain nullable integer, give it a sequence as default for new rows, fill "
        "the old rows in batches, then make it NOT NULL.",
    )


@rule("add-column-identity", "blocking")
def add_column_identity(change: Change) -> Iterator[Finding]:
    """An identity column numbers every row at once."""
    yield from _rewriting(
        change,
        lambda column: bool(column.identity),
        "as identity numbers every row",
        "Add {c} as a plain nullable bigint, fill it in batches, make it NOT NULL, then ALTER "
        "TABLE {t} ALTER {c} ADD GENERATED ... AS IDENTITY: that is instant.",
    )


@rule("add-column-generated-stored", "blocking")
def add_column_generated_stored(change: Change) -> Iterator[Finding]:
    """A stored computed column is computed for every row at once."""
    yield from _rewriting(
        change,
        lambda column: column.generated == "s",
        "as a stored computed column computes it for every row",
        "Add {c} as a plain nullable column, fill it by a trigger and in batches; or from "
        "Postgres 18 on make it VIRTUAL, which is instant.",
    )


@rule("add-column-constrained-domain", "blocking")
def add_column_constrained_domain(change: Change) -> Iterator[Finding]:
    """A domain with constraints is checked in every row, even where the column is NULL."""
    yield from _rewriting(
        change,
        lambda column: column.strict and column.generated != "s",
        "of a domain that has constraints checks every row",
        "Add {c} with the domain's base type, and the condition as a CHECK ... NOT VALID on {t}; "
        "VALIDATE it in the next revision.",
    )


@rule("set-expression-stored", "blocking")
def set_expression_stored(change: Change) -> Iterator[Finding]:
    """Another expression of a stored computed column is computed for every row at once."""
    for was, now in change.altered_columns():
        stored = was.generated == now.generated == "s"
        if stored and was.default != now.default and now.table in change.rewritten:
            yield Finding(
                now.table,
                f"the new expression of {now.name} is computed for every row of "
                f"{change.name(now.table)}; meanwhile {waiting(change, now.table)}",
                "Add another column with the new expression as in add-column-generated-stored, "
                "let the application change over, drop the old one.",
            )


@rule("add-column-inline-check", "blocking")
def add_column_inline_check(change: Change) -> Iterator[Finding]:
    """A CHECK written with the new column reads the whole table, even where all is NULL."""
    for one in change.added_constraints("c"):
        if one.table in change.blocked.keys() - change.rewritten and change.inline(one):
            table = change.name(one.table)
            yield Finding(
                one.table,
                f"the CHECK that comes with the column reads all of {table}; meanwhile "
                f"{waiting(change, one.table)}",
                f"Add the column alone; ALTER TABLE {table} ADD CONSTRAINT {one.name} CHECK (...) "
                f"NOT VALID; in the next revision VALIDATE CONSTRAINT {one.name}.",
            )


@rule("add-column-inline-unique", "blocking")
def add_column_inline_unique(change: Change) -> Iterator[Finding]:
    """UNIQUE written with the new column builds the index under the strongest lock."""
    for one in change.added_constraints("u"):
        if one.table in change.blocked and change.inline(one):
            table, columns = change.name(one.table), change.columns(one.table, one.columns)
            yield Finding(
                one.table,
                f"UNIQUE that comes with the column builds its index at once; meanwhile "
                f"{waiting(change, one.table)}",
                f"Add the column alone; CREATE UNIQUE INDEX CONCURRENTLY {one.name} ON {table} "
                f"({columns}); then ALTER TABLE {table} ADD CONSTRAINT {one.name} UNIQUE USING "
                f"INDEX {one.name}.",
            )


@rule("add-column-inline-pk", "blocking")
def add_column_inline_pk(change: Change) -> Iterator[Finding]:
    """PRIMARY KEY written with the new column builds the index under the strongest lock."""
    for one in change.added_constraints("p"):
        if one.table in change.blocked and change.inline(one):
            table = change.name(one.table)
            yield Finding(
                one.table,
                f"PRIMARY KEY that comes with the column builds its index at once; meanwhile "
                f"{waiting(change, one.table)}",
                "Add the column alone, fill it in batches, make it NOT NULL, CREATE UNIQUE INDEX "
                f"CONCURRENTLY, then ALTER TABLE {table} ADD PRIMARY KEY USING INDEX ....",
            )


@rule("add-column-inline-fk", "blocking")
def add_column_inline_fk(change: Change) -> Iterator[Finding]:
    """REFERENCES written with a column that has a default checks every row, on both tables."""
    for one in change.added_constraints("f"):
        if change.inline(one) and {one.table, one.other} & change.blocked.keys():
            table, other = change.name(one.table), change.name(one.other)
            at = one.table if one.table in change.blocked else one.other
            yield Finding(
                at,
                f"REFERENCES that comes with the column checks every row of {table} against "
                f"{other}; meanwhile {waiting(change, at)}",
                f"Add the column alone; ALTER TABLE {table} ADD CONSTRAINT {one.name} FOREIGN "
                f"KEY (...) REFERENCES {other} NOT VALID; VALIDATE it in the next revision.",
            )


@rule("alter-column-type-rewrite", "blocking")
def alter_column_type_rewrite(change: Change) -> Iterator[Finding]:
    """A type that is stored differently has every row written anew."""
    for was, now in change.altered_columns():
        if was.type != now.type and now.table in change.rewritten:
            table = change.name(now.table)
            yield Finding(
                now.table,
                f"{table}.{now.name} from {was.type} to {now.type} writes every row anew, with "
                f"all indexes; meanwhile {waiting(change, now.table)}",
                EXPAND,
            )


@rule("alter-column-type-recheck", "blocking")
def alter_column_type_recheck(change: Change) -> Iterator[Finding]:
    """A change of type that needs no rewrite still has the column's constraints checked again."""
    for was, now in change.altered_columns():
        if was.type == now.type or now.table in change.rewritten:
            continue
        table = change.name(now.table)
        if now.table in change.blocked:
            yield Finding(
                now.table,
                f"{table}.{now.name} from {was.type} to {now.type} needs no rewrite, but what "
                f"depends on the column is checked again; meanwhile {waiting(change, now.table)}",
                "Drop the CHECK, change the type, add the CHECK again NOT VALID, VALIDATE it in "
                "the next revision.",
            )
        for other in sorted(change.strong().keys() - {now.table}):
            yield Finding(
                other,
                f"{table}.{now.name} is part of a foreign key: {change.name(other)} is locked too",
                "Let LOCK_TIMEOUT be short, so that the attempt gives way; choose a quiet hour.",
                "warning",
            )


@rule("alter-column-collation", "blocking")
def alter_column_collation(change: Change) -> Iterator[Finding]:
    """Another collation sorts differently, so every index on the column is built anew."""
    for was, now in change.altered_columns():
        quiet = was.type == now.type and now.table not in change.rewritten
        if quiet and was.collation != now.collation and now.table in change.blocked:
            yield Finding(
                now.table,
                f"the new collation of {change.name(now.table)}.{now.name} builds its indexes "
                f"anew; meanwhile {waiting(change, now.table)}",
                "Drop the indexes CONCURRENTLY, change the collation (instant then), create the "
                "indexes again CONCURRENTLY; or index the expression with the new collation.",
            )


@rule("set-not-null", "blocking")
def set_not_null(change: Change) -> Iterator[Finding]:
    """SET NOT NULL reads the whole table, unless a valid CHECK says the same already."""
    keyed = {one.table for one in change.added_constraints("p")}
    for was, now in change.altered_columns():
        scanned = now.table in change.blocked.keys() - change.rewritten - keyed
        if now.not_null and not was.not_null and scanned:
            table, name = change.name(now.table), f"{now.name}_not_null"
            yield Finding(
                now.table,
                f"SET NOT NULL reads all of {table} to look for NULLs in {now.name}; meanwhile "
                f"{waiting(change, now.table)}",
                f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({now.name} IS NOT NULL) NOT "
                f"VALID; next revision: VALIDATE CONSTRAINT {name}; next: ALTER {now.name} SET "
                f"NOT NULL, which then is instant, and DROP CONSTRAINT {name}.",
            )
