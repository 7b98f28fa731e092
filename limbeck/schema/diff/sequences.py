"""Sequences, and the columns that own them."""

from __future__ import annotations

from dataclasses import replace

from limbeck.schema.catalog.names import chosen_name, of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.sequences import Sequence, SequenceOptions
from limbeck.schema.diff import statements
from limbeck.schema.diff.operations import Execute, SetSequence
from limbeck.schema.diff.part import Generator, Ownership, sub
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.diff.targets import target
from limbeck.schema.sql.quoting import literal, quote, schema_and_name

# The options in the order of CREATE SEQUENCE.
OPTIONS = {
    "increment": "INCREMENT BY {}",
    "minimum": "MINVALUE {}",
    "maximum": "MAXVALUE {}",
    "start": "START WITH {}",
    "cache": "CACHE {}",
}
BITS = {"smallint": 15, "integer": 31, "bigint": 63}


def limits(type_: str, increment: int) -> tuple[int, int]:
    """Return the default MINVALUE and MAXVALUE of a sequence."""
    bits = BITS.get(type_, 63)
    return (1, 2**bits - 1) if increment > 0 else (-(2**bits), -1)


def standard(type_: str, increment: int = 1) -> SequenceOptions:
    """Return the options of CREATE SEQUENCE ... AS type."""
    low, high = limits(type_, increment)
    start = low if increment > 0 else high
    known = type_ if type_ in BITS else "bigint"
    return SequenceOptions(
        type=known,
        start=start,
        increment=increment,
        minimum=low,
        maximum=high,
        cache=1,
        cycle=False,
    )


def retyped(options: SequenceOptions, type_: str) -> SequenceOptions:
    """Return the options after a change of the type; limits of the old type become the new ones.

    As init_params() in src/backend/commands/sequence.c does with AS and no MINVALUE or MAXVALUE.
    """
    old, new = (limits(kind, options.increment) for kind in (options.type, type_))
    full = 2 ** BITS.get(options.type, 63)
    maximum = new[1] if options.maximum in {old[1], full - 1} else options.maximum
    minimum = new[0] if options.minimum == old[0] else options.minimum
    return replace(options, type=type_, maximum=maximum, minimum=minimum)


def narrows(before: SequenceOptions, after: SequenceOptions) -> bool:
    """Return whether the new type has fewer values."""
    return BITS.get(after.type, 63) < BITS.get(before.type, 63)


def differences(
    before: SequenceOptions, after: SequenceOptions, *, with_type: bool = True
) -> list[str]:
    """Return the options that differ as words of CREATE and ALTER SEQUENCE."""
    words = [f"AS {after.type}"] if with_type and before.type != after.type else []
    pairs = ((text, getattr(before, name), getattr(after, name)) for name, text in OPTIONS.items())
    words += [text.format(new) for text, old, new in pairs if old != new]
    if before.cycle != after.cycle:
        words.append("CYCLE" if after.cycle else "NO CYCLE")
    return words


def create(sequence: Sequence, _members: Members, _situation: Situation) -> list[Step]:
    """Create a sequence."""
    options = sequence.options
    usual = standard(options.type, options.increment)
    words = [f"AS {options.type}"] if options.type != "bigint" else []
    if options.increment != 1:
        words.append(f"INCREMENT BY {options.increment}")
    words += differences(usual, options, with_type=False)
    unlogged = "UNLOGGED " if sequence.unlogged else ""
    return statements.create(sequence, " ".join([f"CREATE {unlogged}{target(sequence)}", *words]))


def drop(sequence: Sequence, situation: Situation) -> list[Step]:
    """Drop a sequence, or put it aside for the identity that continues it."""
    owned = situation.before.get(sub(sequence.address, "ownership"))
    if isinstance(owned, Ownership) and continued(owned.column, situation):
        text = f"ALTER {target(sequence)} RENAME TO {quote(_aside(sequence))}"
        return [Step(Execute(text, "rename", sequence.address))]
    text = f"DROP {target(sequence)}"
    loses = f"the current value of {sequence.name}"
    return [Step(Execute(text, "drop", sequence.address), loses=loses)]


def _aside(sequence: Sequence) -> str:
    return chosen_name(sequence.name, "", "old")


def continued(column: Address, situation: Situation) -> Sequence | None:
    """Return the sequence that a column owned and that its new identity continues.

    An identity that starts after the largest value would give numbers of deleted rows again.
    """
    identity = sub(column, "identity")
    part = situation.after.get(identity)
    if not isinstance(part, Generator) or identity not in situation.created:
        return None
    new = part.identity.options
    for user in situation.before.users.get(column, ()):
        owned = situation.before.get(user)
        if isinstance(owned, Ownership) and situation.stays(column):
            old = owned.sequence.options
            alike = (new.increment > 0) == (old.increment > 0)
            within = alike and new.minimum <= old.minimum and old.maximum <= new.maximum
            aside = owned.sequence.address._replace(name=_aside(owned.sequence))
            if within and aside not in situation.before and user not in situation.after:
                return owned.sequence
    return None


def continuing(column: Address, name: str, increment: int, old: Sequence) -> list[Step]:
    """Return the steps that set an identity to the value of an old sequence, and drop that.

    Args:
        column: The address of the column.
        name: The qualified name of the identity's sequence, quoted.
        increment: What it counts by.
        old: The old sequence, which was put aside.

    """
    aside = of(old.address._replace(name=_aside(old)))
    # Rows may have values that did not come from the sequence.
    edge, further, sign = ("max", "greatest", "+") if increment > 0 else ("min", "least", "-")
    beyond = f"SELECT {edge}({quote(column.part)}) {sign} {abs(increment)} FROM {of(column)}"
    following = f"last_value {sign} {abs(old.options.increment)} * is_called::integer"
    text = (
        f"SELECT pg_catalog.setval({literal(name)}, {further}(({beyond}), {following}), false)\n"
        f"FROM {aside}"
    )
    dropped = Execute(f"DROP SEQUENCE {aside}", "drop", old.address)
    return [Step(SetSequence(text, "alter", column)), Step(dropped)]


def alter(before: Sequence, after: Sequence, _situation: Situation) -> Alteration:
    """Alter a sequence; its value stays, limited to the new bounds."""
    steps = persistence(after) if before.unlogged != after.unlogged else []
    steps += changes(before, after)
    return Alteration((*steps, *statements.comment(after, before.comment)))


def changes(before: Sequence, after: Sequence) -> tuple[Step, ...]:
    """Return the steps that change the options of a sequence."""
    name, steps = of(after.address), list[Step]()
    options = retyped(before.options, after.options.type)
    words = [f"AS {options.type}"] if options.type != before.options.type else []
    words += differences(options, after.options, with_type=False)
    if words:
        steps += bounded(name, options, after.options, after.address)
        words += restart(options, after.options)
        steps += statements.alter(after, [" ".join(words)])
    return tuple(steps)


def persistence(sequence: Sequence) -> list[Step]:
    """Make a sequence LOGGED or UNLOGGED."""
    return statements.alter(sequence, [f"SET {'UNLOGGED' if sequence.unlogged else 'LOGGED'}"])


def restart(before: SequenceOptions, after: SequenceOptions) -> list[str]:
    """Return RESTART if no old value is within the new bounds."""
    apart = after.minimum > before.maximum or after.maximum < before.minimum
    return ["RESTART"] if apart else []


def bounded(
    name: str, before: SequenceOptions, after: SequenceOptions, address: Address
) -> list[Step]:
    """Return the step that moves a sequence's value into narrower bounds.

    ALTER SEQUENCE refuses bounds that exclude the current value, so this comes before it.

    Args:
        name: The qualified name of the sequence, quoted.
        before: Its options.
        after: Its options after the change.
        address: The address of the step: the sequence, or the column of an identity.

    """
    value = "last_value"
    if after.minimum > before.minimum and after.minimum <= before.maximum:
        value = f"greatest({value}, {after.minimum})"
    if after.maximum < before.maximum and after.maximum >= before.minimum:
        value = f"least({value}, {after.maximum})"
    if value == "last_value":
        return []
    text = f"SELECT pg_catalog.setval({literal(name)}, {value}, is_called)\nFROM {name}"
    return [Step(SetSequence(text, "alter", address))]


def rename(sequence: Address, name: str) -> list[Step]:
    """Return the steps that move a sequence to a schema and rename it.

    Args:
        sequence: The address of the sequence.
        name: The new qualified name, quoted.

    """
    schema, new = schema_and_name(name)
    steps, old = list[Step](), sequence
    if schema != old.schema:
        text = f"ALTER SEQUENCE {of(old)} SET SCHEMA {quote(schema)}"
        steps.append(Step(Execute(text, "rename", sequence)))
        old = old._replace(schema=schema)
    if new != old.name:
        text = f"ALTER SEQUENCE {of(old)} RENAME TO {quote(new)}"
        steps.append(Step(Execute(text, "rename", sequence)))
    return steps


def create_ownership(part: Ownership, _members: Members, _situation: Situation) -> list[Step]:
    """Make a column the owner of a sequence."""
    column = f"{of(part.column)}.{quote(part.column.part)}"
    return statements.alter(part.sequence, [f"OWNED BY {column}"])


def drop_ownership(part: Ownership, _situation: Situation) -> list[Step]:
    """Remove the owner of a sequence."""
    return statements.alter(part.sequence, ["OWNED BY NONE"])


def alter_ownership(_before: Ownership, after: Ownership, situation: Situation) -> Alteration:
    """Make another column the owner of a sequence."""
    return Alteration(tuple(create_ownership(after, (), situation)))
