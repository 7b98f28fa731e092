"""Constraints of tables; those of domains and NOT NULLs go to their owners."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.builders.arrays import settled
from limbeck.schema.catalog.builders.reading import Reading, options, vector
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import NotNull
from limbeck.schema.catalog.objects.constraints import Constraint, Reference
from limbeck.schema.catalog.objects.types import DomainCheck
from limbeck.schema.catalog.pipeline import Row
from limbeck.schema.catalog.queries import classes

ACTIONS: Final = {
    "a": "NO ACTION",
    "r": "RESTRICT",
    "c": "CASCADE",
    "n": "SET NULL",
    "d": "SET DEFAULT",
}
MATCHES: Final = {"s": "SIMPLE", "f": "FULL", "p": "PARTIAL"}


def build_not_nulls(reading: Reading) -> None:
    """Add the NOT NULL constraints by column or by domain."""
    for row in reading.rows["not nulls"]:
        oid, relation, domain, name, number, no_inherit, validated, local = row
        if domain:
            reading.domain_not_nulls[domain] = name
            continue
        reading.not_nulls[relation, number] = NotNull(
            name=name,
            no_inherit=no_inherit,
            validated=validated,
            inherited=not local,
            comment=reading.comments.get((classes.CONSTRAINT, oid, 0)),
        )


def build(reading: Reading) -> None:
    """Add the constraints of the tables that are read, and the checks of domains."""
    homes = {row[0]: row[1] for row in reading.rows["constraints"]}
    for row in reading.rows["constraints"]:
        oid, relation, domain, name, _, definition, _, _, parent = row[:9]
        if domain:
            comment = reading.comment(classes.CONSTRAINT, oid)
            check = DomainCheck(name=name, definition=settled(definition), comment=comment)
            reading.domain_checks.setdefault(domain, []).append(check)
        # A foreign key to a partitioned table has a copy on the same table for each partition.
        elif relation in reading.relations and homes.get(parent) != relation:
            reading.add(
                classes.CONSTRAINT, oid, _constraint(row, reading.relations[relation], reading)
            )


def _constraint(row: Row, table: Address, reading: Reading) -> Constraint:
    oid, relation, _, name, kind, definition, validated, inherited, parent, key = row[:10]
    deferrable, deferred, enforced, no_inherit, index, clustered, replica = row[10:17]
    keys, positions, nulls_not_distinct, settings = row[17:21]
    definition = settled(definition)
    names = reading.columns[relation]
    return Constraint(
        schema=table.schema,
        table=table.name,
        name=name,
        type=kind,
        definition=definition,
        validated=validated,
        inherited=inherited or parent != 0,
        comment=reading.comments.get((classes.CONSTRAINT, oid, 0)),
        index=index,
        clustered=clustered,
        replica_identity=replica,
        columns=tuple([names[number] for number in key or () if number]),
        expression=_expression(definition) if kind == "c" else None,
        reference=_reference(row, reading) if kind == "f" else None,
        deferrable=deferrable,
        deferred=deferred,
        enforced=enforced,
        no_inherit=no_inherit,
        include=tuple([names[number] for number in vector(positions)[keys or 0 :]]),
        nulls_not_distinct=nulls_not_distinct,
        options=options(settings),
    )


def _expression(check: str) -> str:
    """Return the text between the outer parentheses of CHECK (...) NO INHERIT NOT VALID."""
    return check[check.index("(") + 1 : check.rindex(")")]


def _reference(row: Row, reading: Reading) -> Reference:
    relation, schema, name, key, hidden, on_update, on_delete, match, set_columns = row[21:]
    return Reference(
        table=Address("table", schema, name),
        columns=tuple(hidden or [reading.columns[relation][number] for number in key]),
        on_update=ACTIONS[on_update],
        on_delete=f"{ACTIONS[on_delete]} ({set_columns})" if set_columns else ACTIONS[on_delete],
        match=MATCHES[match],
    )
