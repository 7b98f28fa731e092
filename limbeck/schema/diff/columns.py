"""Columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from limbeck.schema.catalog.names import chosen_name, of
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.diff import (
    bridges,
    descent,
    handover,
    identities,
    not_nulls,
    others,
    sequences,
    sql,
    statements,
)
from limbeck.schema.diff.casts import (
    assignable,
    base,
    conversion,
    narrows,
    settings,
    undefined,
)
from limbeck.schema.diff.column_operations import AddColumn, AlterType, DropColumn
from limbeck.schema.diff.part import Default, Generator, Ownership, Part, Required, owner
from limbeck.schema.diff.retypes import sort
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql import forms
from limbeck.schema.sql.quoting import quote

GENERATED = {"s": "STORED", "v": "VIRTUAL"}
DEPENDS = "the values depend on the session's"
SERIALS = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}


def whole(column: Column, members: Iterable[Part]) -> Column:
    """Return a column with the default, NOT NULL and identity that are created with it."""
    own = [m for m in members if getattr(m, "column", None) == column]
    for part in own:
        if isinstance(part, Default):
            column = replace(column, default=part.expression)
        elif isinstance(part, Required):
            column = replace(column, not_null=part.constraint)
        elif isinstance(part, Generator):
            column = replace(column, identity=part.identity)
    return column


def serial(column: Column, members: Iterable[Part]) -> Sequence | None:
    """Return the sequence that makes a column serial, if it is folded into the column."""
    for part in members:
        if isinstance(part, Ownership) and part.column == column.address:
            return part.sequence
    return None


def is_serial(column: Column, sequence: Sequence) -> bool:
    """Return whether the type `serial` would create exactly this sequence for the column."""
    if column.type not in SERIALS or sequence.comment or sequence.unlogged:
        return False
    name = chosen_name(column.table, column.name, "seq")
    return (sequence.schema, sequence.name) == (column.schema, name) and (
        sequence.options == sequences.standard(column.type)
    )


def definition(
    column: Column, sequence: Sequence | None, situation: Situation, *, keyed: bool = False
) -> str:
    """Return the definition of a column for CREATE TABLE and ADD COLUMN.

    Args:
        column: The column, with its default, NOT NULL and identity.
        sequence: The sequence of a serial column.
        situation: The change.
        keyed: Whether a primary key makes the column NOT NULL anyway.

    """
    words = [quote(column.name), SERIALS[column.type] if sequence else column.type]
    if column.server_options:
        words.append(f"OPTIONS ({sql.server_options(column.server_options)})")
    if column.collation:
        words.append(f"COLLATE {column.collation}")
    if column.generated:
        words.append(f"GENERATED ALWAYS AS ({column.default}) {GENERATED[column.generated]}")
    elif column.default is not None and not sequence:
        words.append(f"DEFAULT {column.default}")
    usual = situation.chooses(column)
    words.extend(not_nulls.spelled(column, implied=keyed or bool(sequence), usual=usual))
    if column.identity:
        words.append(identities.generator(column))
    return " ".join(words)


def extras(column: Column) -> list[Step]:
    """Return the steps for attributes that a definition cannot state on every server version."""
    blank = replace(column, storage=None, compression=None, statistics=None, options=())
    steps = [*identities.typed(column), *_settings(blank, column, forms.OLDEST)]
    if column.not_null is not None:
        steps += not_nulls.commented(column)
    return steps + statements.comment(column)


def create(column: Column, members: Members, situation: Situation) -> list[Step]:
    """Add a column."""
    complete, sequence = whole(column, members), serial(column, members)
    note = None
    if complete.not_null and complete.default is None and not complete.identity and not sequence:
        note = "fails if the table has rows: NOT NULL without a default"
    text = definition(complete, sequence, situation)
    if bridges.leads(column, situation):
        first, *rest = bridges.added(complete, f"COLUMN {text}")
        return [first, *rest[:-1], replace(rest[-1], note=note), *extras(complete)]
    operation = AddColumn(complete, text, sequence)
    return [Step(operation, note=note), *extras(complete), *handover.take_over(members, situation)]


def drop(column: Column, situation: Situation) -> list[Step]:
    """Drop a column; its values are lost unless they are generated."""
    after = situation.after.get(column.address)
    if isinstance(after, Column) and handover.applies(column, after, situation):
        return [handover.put_aside(column, situation)]
    only = descent.leaves_heirs(column.address, situation.before, situation.after)
    loses = None if column.generated else f"the values of {of(column.address)}.{column.name}"
    return [Step(DropColumn(situation.original(column), only), loses=loses)]


def alter(before: Column, after: Column, situation: Situation) -> Alteration | None:
    """Alter a column; Postgres changes a type or an expression only if no view uses the column.

    A child table gets many changes from its parent. `before` is then what the column has become
    once the parent was altered, and only the rest is altered here.
    """
    if handover.applies(before, after, situation) or _recomputed(before, after, situation):
        return None
    aside = before.address in situation.retyped
    hard = (before.type, before.collation) != (after.type, after.collation) or aside
    was, steps = before, list[Step]()
    overtaken = descent.overtaken(before, after, situation)
    hard_here = hard
    if overtaken is not None:
        before = overtaken
        hard_here = (before.type, before.collation) != (after.type, after.collation)
    if before.generated != after.generated or (
        before.generated and before.default != after.default
    ):
        text = f"SET EXPRESSION AS ({after.default})" if after.generated else "DROP EXPRESSION"
        steps += statements.alter(after, [text])
    if hard_here:
        steps.append(_retype(before, after, situation))
        before = replace(before, storage=None, compression=None)
    steps += _settings(before, after, situation.major)
    steps += statements.comment(after, before.comment)
    return Alteration(tuple(steps), hard or was.default != after.default)


def _recomputed(before: Column, after: Column, situation: Situation) -> bool:
    """Return whether a generated column must be dropped and added again.

    SET EXPRESSION refuses a virtual column of a table that has checks (ATExecSetExpression() in
    src/backend/commands/tablecmds.c).
    """
    if before.generated != after.generated:
        return bool(after.generated) or before.generated == "v"
    if not after.generated or before.default == after.default:
        return False
    if not forms.SET_EXPRESSION.exists(situation.major):
        return True
    table = owner(after.address)
    return after.generated == "v" and any(
        isinstance(constraint := side.get(user), Constraint) and constraint.type == "c"
        for side in (situation.before, situation.after)
        for user in side.users[table]
    )


def park(column: Column, situation: Situation) -> list[Step]:
    """Give a column another type while a type inside of its own is changed."""
    above = descent.counterpart(situation.before, column.address)
    if column.inherited and above in situation.parked:
        return []  # its parent's statement reaches it
    original, type_ = situation.original(column), situation.parked[column.address]
    using = f"{quote(column.name)}::{type_}"
    target = replace(original, type=type_, collation=None)
    note = "Postgres changes no type that is inside of an array, a range or a composite type in use"
    return [Step(AlterType(original, target, using, parks=True), note=note)]


def _unpark(before: Column, after: Column, situation: Situation) -> Step:
    original, type_ = situation.original(before), situation.parked[before.address]
    parked = replace(original, type=type_, collation=None)
    target = replace(original, type=after.type, collation=after.collation)
    using = f"{quote(after.name)}::{after.type}"
    return Step(AlterType(parked, target, using, parks=True))


def _retype(before: Column, after: Column, situation: Situation) -> Step:
    if before.address in situation.parked:
        return _unpark(before, after, situation)
    using, note = _conversion(before, after, situation)
    loses = None
    if not before.generated and narrows(*_sorts(before, after, situation)):
        rounded = "values that do not fit are rounded or truncated, or make the statement fail"
        if after.address not in situation.using:
            note = f"{note}; {rounded}" if note and note.startswith(DEPENDS) else rounded
        loses = f"the values of {of(after.address)}.{after.name} that do not fit {after.type}"
    original = situation.original(before)
    target = replace(original, type=after.type, collation=after.collation)
    return Step(AlterType(original, target, using), loses=loses, note=note)


def _conversion(
    before: Column, after: Column, situation: Situation
) -> tuple[str | None, str | None]:
    """Return the expression of USING and a note; None where the statement needs neither."""
    if given := situation.using.get(after.address):
        return given, "the values are computed by the expression of --using"
    aside = before.address in situation.retyped
    if before.generated:
        return None, None
    types, using, note = _sorts(before, after, situation), None, None
    if aside or not assignable(before.type, after.type):
        using, note = conversion(before, after, aside=aside), "the cast can fail"
    if not aside and undefined(*types):
        note = "Postgres has no such cast: this fails, or guesses, where there are values"
    elif not aside and (names := settings(*types)):
        depends = f"{DEPENDS} {' and '.join(names)}"
        note = f"{depends}; {note}" if note else depends
    return using, note


def _sorts(before: Column, after: Column, situation: Situation) -> tuple[str, str]:
    return sort(before.type, situation.before.get), sort(after.type, situation.after.get)


def _usual_storage(column: Column, major: int) -> str:
    if forms.STORAGE_DEFAULT.exists(major):
        return "DEFAULT"
    return "MAIN" if base(column.type) in {"numeric", "inet", "cidr"} else "EXTENDED"


def _settings(before: Column, after: Column, major: int) -> list[Step]:
    texts: list[str] = []
    if before.storage != after.storage:
        texts.append(f"SET STORAGE {after.storage or _usual_storage(after, major)}")
    if before.compression != after.compression:
        texts.append(f"SET COMPRESSION {after.compression or 'default'}")
    if before.statistics != after.statistics:
        target = -1 if after.statistics is None else after.statistics
        texts.append(f"SET STATISTICS {target}")
    texts += statements.option_actions(before.options, after.options)
    if words := others.server_option_changes(before.server_options, after.server_options):
        texts.append(f"OPTIONS ({words})")
    return statements.alter(after, texts)
