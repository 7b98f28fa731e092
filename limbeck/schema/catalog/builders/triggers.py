"""Triggers, policies, rules and extended statistics."""

from __future__ import annotations

from limbeck.schema.catalog.builders.arrays import settled
from limbeck.schema.catalog.builders.reading import Reading
from limbeck.schema.catalog.objects.statistics import Statistics
from limbeck.schema.catalog.objects.triggers import Policy, Rule, Trigger
from limbeck.schema.catalog.queries import classes


def build(reading: Reading) -> None:
    """Add those on the tables and views that are read."""
    _triggers(reading)
    _policies(reading)
    _rules(reading)
    _statistics(reading)


def _triggers(reading: Reading) -> None:
    for oid, relation, name, definition, enabled, inherited in reading.rows["triggers"]:
        if table := reading.relations.get(relation):
            trigger = Trigger(
                schema=table.schema,
                table=table.name,
                name=name,
                definition=settled(definition),
                enabled=enabled,
                inherited=inherited,
                comment=reading.comment(classes.TRIGGER, oid),
            )
            reading.add(classes.TRIGGER, oid, trigger)


def _policies(reading: Reading) -> None:
    for oid, relation, name, command, permissive, roles, using, check in reading.rows["policies"]:
        if table := reading.relations.get(relation):
            policy = Policy(
                schema=table.schema,
                table=table.name,
                name=name,
                command=command,
                permissive=permissive,
                roles=tuple(roles),
                using=settled(using),
                check=settled(check),
                comment=reading.comment(classes.POLICY, oid),
            )
            reading.add(classes.POLICY, oid, policy)


def _rules(reading: Reading) -> None:
    for oid, relation, name, definition, enabled in reading.rows["rules"]:
        if table := reading.relations.get(relation):
            rule = Rule(
                schema=table.schema,
                table=table.name,
                name=name,
                definition=settled(definition).removesuffix(";"),
                enabled=enabled,
                comment=reading.comment(classes.REWRITE, oid),
            )
            reading.add(classes.REWRITE, oid, rule)


def _statistics(reading: Reading) -> None:
    for oid, space, relation, name, definition, target in reading.rows["statistics"]:
        if space in reading.schemas and relation in reading.relations:
            statistics = Statistics(
                schema=reading.schemas[space],
                name=name,
                definition=settled(definition),
                target=target,
                comment=reading.comment(classes.STATISTICS, oid),
            )
            reading.add(classes.STATISTICS, oid, statistics)
