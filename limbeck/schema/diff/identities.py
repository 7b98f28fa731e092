"""The identity of a column."""

from __future__ import annotations

from dataclasses import replace

from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.sequences import Sequence, SequenceOptions
from limbeck.schema.diff import sequences, statements
from limbeck.schema.diff.operations import AddIdentity, DropIdentity, SetSequence
from limbeck.schema.diff.part import Generator
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.diff.targets import altering
from limbeck.schema.sql.quoting import literal, qualified, quote, schema_and_name


def generator(column: Column) -> str:
    """Return GENERATED ... AS IDENTITY with the options that differ from the defaults."""
    identity = column.identity
    if identity is None:
        return ""
    words = []
    if identity.options.type == column.type:
        usual = sequences.standard(column.type)
        words = sequences.differences(usual, identity.options, with_type=False)
    schema, name = schema_and_name(identity.sequence)
    if (schema, name) != (column.schema, chosen_name(column.table, column.name, "seq")):
        words = [f"SEQUENCE NAME {identity.sequence}", *words]
    options = f" ({' '.join(words)})" if words else ""
    return f"GENERATED {_when(always=identity.always)} AS IDENTITY{options}"


def _when(*, always: bool) -> str:
    return "ALWAYS" if always else "BY DEFAULT"


def catch_up(column: Column, sequence: str, options: SequenceOptions) -> Step:
    """Return the step that sets a sequence to continue after the values in its column."""
    edge = "max" if options.increment > 0 else "min"
    sign = "+" if options.increment > 0 else "-"
    value = f"{edge}({quote(column.name)}) {sign} {abs(options.increment)}"
    text = (
        f"SELECT pg_catalog.setval({literal(sequence)}, coalesce({value}, {options.start}),"
        f" false)\nFROM {qualified(column.schema, column.table)}"
    )
    return Step(SetSequence(text, "alter", column.address))


def create(part: Generator, _members: Members, situation: Situation) -> list[Step]:
    """Make a column an identity; its sequence starts after the values in the column."""
    column, identity = replace(part.column, identity=part.identity), part.identity
    added = AddIdentity(f"{altering(column)} ADD {generator(column)}", "alter", column.address)
    steps = [Step(added), *typed(column)]
    if old := sequences.continued(column.address, situation):
        steps += sequences.continuing(
            column.address, identity.sequence, identity.options.increment, old
        )
    elif situation.stays(column.address):
        steps.append(catch_up(column, identity.sequence, identity.options))
    return steps


def drop(part: Generator, _situation: Situation) -> list[Step]:
    """Make an identity an ordinary column."""
    text = f"{altering(part.column)} DROP IDENTITY"
    return [Step(DropIdentity(text, "alter", part.column.address))]


def alter(before: Generator, after: Generator, situation: Situation) -> Alteration:
    """Change the options of an identity.

    Its sequence gets the column's new type by itself, with new limits: transformAlterTableStmt() in
    src/backend/parser/parse_utilcmd.c.
    """
    column, old, new = after.column, before.identity, after.identity
    if before.column.type == column.type and old.options.type != new.options.type:
        return _retyped(before, after, situation)
    steps: list[Step] = []
    if old.sequence != new.sequence:
        steps += sequences.rename(Address("sequence", *schema_and_name(old.sequence)), new.sequence)
    words = [] if old.always == new.always else [f"SET GENERATED {_when(always=new.always)}"]
    options = sequences.retyped(old.options, new.options.type)
    changes = sequences.differences(options, new.options, with_type=False)
    if changes and sequences.narrows(old.options, new.options):
        options = old.options  # ordered before the column's type changes: ordering._narrowed
        changes = sequences.differences(options, new.options, with_type=False)
    words += [f"SET {word}" for word in changes]
    words += sequences.restart(options, new.options)
    if words:
        steps += sequences.bounded(new.sequence, options, new.options, column.address)
        steps += statements.alter(column, [" ".join(words)])
    return Alteration(tuple(steps))


def _retyped(before: Generator, after: Generator, situation: Situation) -> Alteration:
    """Change the type of an identity's sequence, which may differ from that of its column."""
    schema, name = schema_and_name(before.identity.sequence)
    old = Sequence(schema=schema, name=name, options=before.identity.options)
    new = replace(old, options=after.identity.options)
    rest = replace(before, identity=replace(before.identity, options=new.options))
    steps = sequences.changes(old, new)
    return Alteration((*steps, *alter(rest, after, situation).steps))


def typed(column: Column) -> tuple[Step, ...]:
    """Return the steps that give an identity's sequence another type than its column has."""
    identity = column.identity
    if identity is None or identity.options.type == column.type:
        return ()
    schema, name = schema_and_name(identity.sequence)
    usual = Sequence(schema=schema, name=name, options=sequences.standard(column.type))
    return sequences.changes(usual, replace(usual, options=identity.options))
