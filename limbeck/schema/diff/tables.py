"""Tables: ordinary, partitioned and foreign ones; attachment of partitions, inheritance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff import (
    adoption,
    bridges,
    columns,
    constraints,
    others,
    sequences,
    sql,
    statements,
)
from limbeck.schema.diff.column_operations import AlterDefault, AlterNotNull, not_null
from limbeck.schema.diff.operations import CreateTable, DropTable, Execute, Operation
from limbeck.schema.diff.part import Attachment, Inheritance, Ownership, Part, Required, owner
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.diff.targets import target
from limbeck.schema.sql import forms
from limbeck.schema.sql.quoting import quote

# The order of constraints in CREATE TABLE.
KEYS = "pufcx"
IDENTITIES = {"d": "DEFAULT", "n": "NOTHING", "f": "FULL"}


def create(table: Table, members: Members, situation: Situation) -> list[Step]:
    """Create a table with the parts that are folded into it."""
    members = [m for m in members if _stands_in(table, m)]
    pairs = _complete(members)
    descends = any(isinstance(m, Attachment | Inheritance) for m in members)
    original = situation.after.catalog.objects.get(table.address)
    serials = tuple((c.name, s) for c, s in pairs if s)
    keys = sorted(
        (m for m in members if isinstance(m, Constraint) and not (m.inherited and descends)),
        key=lambda m: (KEYS.index(m.type), m.name),
    )
    body = _body(table, pairs, keys, members, situation)
    operation: Operation = CreateTable(
        original if isinstance(original, Table) else table,
        tuple(column for column, _ in pairs),
        tuple(keys),
        body,
        serials,
    )
    if descends or table.kind == "f" or table.of_type:  # its columns are not those of the body
        unlogged = "UNLOGGED " if table.unlogged else ""
        operation = Execute(f"CREATE {unlogged}{target(table)}{body}", "create", table.address)
    return [Step(operation), *_extras(table, pairs, keys, members, situation)]


def _stands_in(table: Table, part: Part) -> bool:
    """Return whether a member belongs to the table itself, not to a child that inherits it."""
    place = (table.schema, table.name)
    return not isinstance(part, Column | Constraint) or (part.schema, part.table) == place


def _complete(members: Members) -> list[tuple[Column, Sequence | None]]:
    own = sorted((m for m in members if isinstance(m, Column)), key=lambda c: c.position)
    return [(columns.whole(c, members), columns.serial(c, members)) for c in own]


def _body(
    table: Table,
    pairs: list[tuple[Column, Sequence | None]],
    keys: list[Constraint],
    members: Members,
    situation: Situation,
) -> str:
    attachment = next((m for m in members if isinstance(m, Attachment)), None)
    given = {m.parent for m in members if isinstance(m, Inheritance)}
    # Of several parents, the first gives a column the name of its NOT NULL, and its place.
    parents = [each for each in situation.after.parents(table.address) if each in given]
    primary = {name for key in keys if key.type == "p" for name in key.columns}
    typed = table.of_type is not None
    lines = [
        columns.definition(column, sequence, situation, keyed=column.name in primary)
        for column, sequence in pairs
        if not (column.inherited and (attachment or parents)) and not typed
    ]
    if typed:
        own = (_of_type(c, situation, keyed=c.name in primary) for c, _ in pairs)
        lines = [text for text in own if text]
    lines += [not_null(column) for column in _own_not_nulls(members) if _is_named(column)]
    lines += [constraints.definition(key) for key in keys]
    body = f" (\n{sql.indented(lines)}\n)" if lines else " ()"
    if attachment:
        body = f" (\n{sql.indented(lines)}\n)" if lines else ""
        return f" PARTITION OF {of(attachment.parent)}{body} {attachment.bound}{_tail(table)}"
    if typed:
        body = f" OF {table.of_type}" + (body if lines else "")
    if parents:
        body += f" INHERITS ({', '.join(of(parent) for parent in parents)})"
    return body + _tail(table)


def _of_type(column: Column, situation: Situation, *, keyed: bool) -> str:
    """Return what a column of a typed table has beyond the type; "" if it has nothing."""
    bare = columns.definition(replace(column, default=None, not_null=None), None, situation)
    rest = columns.definition(column, None, situation, keyed=keyed).removeprefix(bare).strip()
    return f"{quote(column.name)} WITH OPTIONS {rest}" if rest else ""


def _own_not_nulls(members: Members) -> list[Column]:
    """Return the inherited columns that the table itself makes NOT NULL."""
    return [_whole(m) for m in members if isinstance(m, Required) and _is_own(m)]


def _is_named(column: Column) -> bool:
    """Return whether a NOT NULL is a constraint that CREATE TABLE can state by its name."""
    return column.not_null is not None and column.not_null.name is not None


def _is_own(part: Required) -> bool:
    """Return whether an inherited column has a NOT NULL of the child's own."""
    return part.column.inherited and not part.constraint.inherited


def _whole(part: Required) -> Column:
    return replace(part.column, not_null=part.constraint)


def _tail(table: Table) -> str:
    text = f" PARTITION BY {table.partition_key}" if table.partition_key else ""
    if table.access_method and table.kind != "p":
        text += f" USING {quote(table.access_method)}"
    if table.server:
        text += f" SERVER {quote(table.server)}"
    if table.server_options:
        text += f" OPTIONS ({sql.server_options(table.server_options)})"
    return text + (f" WITH ({sql.options(table.options)})" if table.options else "")


def _extras(
    table: Table,
    pairs: list[tuple[Column, Sequence | None]],
    keys: list[Constraint],
    members: Members,
    situation: Situation,
) -> list[Step]:
    blank = replace(
        table, row_security=False, force_row_security=False, replica_identity="d", comment=None
    )
    steps = _settings(blank, table)
    descends = any(isinstance(m, Attachment | Inheritance) for m in members)
    for column, _ in pairs:
        steps += columns.extras(column)
        if descends and column.inherited:
            steps += _without_default(column, situation)
    unnamed = [column for column in _own_not_nulls(members) if not _is_named(column)]
    steps += [Step(AlterNotNull(column, column)) for column in unnamed]
    for key in keys:
        steps += constraints.extras(key)
    return steps


def _without_default(column: Column, situation: Situation) -> Iterator[Step]:
    """Yield the DROP DEFAULT of a default that the parent has and the child must not have."""
    at = Address("default", column.schema, column.table, column.name)
    for parent in situation.after.parents(owner(at)):
        above = at._replace(schema=parent.schema, name=parent.name)
        if at not in situation.after and above in situation.after and not column.generated:
            yield Step(AlterDefault(column, column))


def drop(table: Table, situation: Situation) -> list[Step]:
    """Drop a table."""
    original = situation.before.catalog.objects.get(table.address)
    operation = DropTable(original if isinstance(original, Table) else table)
    loses = None if table.kind == "f" else f"the rows of {of(table.address)}"
    return [Step(operation, loses=loses)]


def alter(before: Table, after: Table, situation: Situation) -> Alteration | None:
    """Alter a table itself; Postgres cannot change its kind, partition key or server."""
    if (before.kind, before.partition_key, before.server) != (
        after.kind,
        after.partition_key,
        after.server,
    ):
        return None
    steps = _settings(before, after)
    if before.unlogged != after.unlogged and forms.UNLOGGED_SEQUENCES.exists(situation.major):
        steps += _own_sequences(after, situation)
    return Alteration(tuple(steps))


def _own_sequences(table: Table, situation: Situation) -> Iterator[Step]:
    """Yield the steps that restore the persistence of sequences that the table owns.

    SET LOGGED and SET UNLOGGED change the owned sequences, too.
    """
    for part in situation.after.by_address.values():
        if not isinstance(part, Ownership) or owner(part.column) != table.address:
            continue
        stays = situation.stays(part.sequence.address)
        if stays and part.sequence.unlogged != table.unlogged:
            yield from sequences.persistence(part.sequence)


def _settings(before: Table, after: Table) -> list[Step]:
    steps = statements.alter(after, _texts(before, after))
    return steps + statements.comment(after, before.comment)


def _texts(before: Table, after: Table) -> Iterator[str]:
    if before.unlogged != after.unlogged:
        yield "SET UNLOGGED" if after.unlogged else "SET LOGGED"
    if before.of_type != after.of_type:
        yield f"OF {after.of_type}" if after.of_type else "NOT OF"
    if before.access_method != after.access_method:
        yield f"SET ACCESS METHOD {quote(after.access_method or 'heap')}"
    yield from statements.option_actions(before.options, after.options)
    if before.row_security != after.row_security:
        yield f"{'ENABLE' if after.row_security else 'DISABLE'} ROW LEVEL SECURITY"
    if before.force_row_security != after.force_row_security:
        yield f"{'FORCE' if after.force_row_security else 'NO FORCE'} ROW LEVEL SECURITY"
    if after.replica_identity not in {before.replica_identity, "i"}:
        yield f"REPLICA IDENTITY {IDENTITIES[after.replica_identity]}"
    if words := others.server_option_changes(before.server_options, after.server_options):
        yield f"OPTIONS ({words})"


def create_attachment(part: Attachment, _members: Members, situation: Situation) -> list[Step]:
    """Attach a partition; it makes NOT NULLs inherited only, so local ones are set again."""
    child, parent = of(part.table.address), of(part.parent)
    text = f"ALTER TABLE {parent} ATTACH PARTITION {child} {part.bound}"
    steps = [Step(Execute(text, "alter", part.table.address))]
    for name in part.table.columns:
        at = Address("not_null", part.table.schema, part.table.name, name)
        above = at._replace(schema=part.parent.schema, name=part.parent.name)
        required = situation.after.get(at)
        if isinstance(required, Required) and _is_own(required) and above in situation.after:
            column = _whole(required)
            steps.append(Step(AlterNotNull(column, column)))
    return steps


def drop_attachment(part: Attachment, _situation: Situation) -> list[Step]:
    """Detach a partition."""
    child, parent = of(part.table.address), of(part.parent)
    text = f"ALTER TABLE {parent} DETACH PARTITION {child}"
    return [Step(Execute(text, "alter", part.table.address))]


def create_inheritance(part: Inheritance, _members: Members, situation: Situation) -> list[Step]:
    """Make a table inherit from a parent."""
    child, before, after = part.table.address, situation.before, situation.after
    renamings = adoption.renamings(child, part.parent, before, after)
    text = f"{sql.alter_table(child)} INHERIT {of(part.parent)}"
    steps = [_renamed(each, each.name, each.meanwhile) for each in renamings]
    last = [each for each in after.parents(child) if each not in before.parents(child)][-1:]
    rest = bridges.removed(child, situation) if last == [part.parent] else ()
    return [*steps, Step(Execute(text, "alter", child)), *rest]


def drop_inheritance(part: Inheritance, situation: Situation) -> list[Step]:
    """End the inheritance from a parent."""
    child, before, after = part.table.address, situation.before, situation.after
    parents = [each for each in after.parents(child) if each not in before.parents(child)]
    renamings = [
        each
        for parent in parents
        for each in adoption.renamings(child, parent, before, after)
        if each.parent == part.parent
    ]
    text = f"{sql.alter_table(child)} NO INHERIT {of(part.parent)}"
    steps = [_renamed(each, each.meanwhile, each.name) for each in renamings]
    return [Step(Execute(text, "alter", child)), *steps]


def _renamed(renaming: adoption.Renaming, name: str, other: str) -> Step:
    names = f"{quote(name)} TO {quote(other)}"
    text = f"{sql.alter_table(renaming.parent)} RENAME CONSTRAINT {names}"
    return Step(Execute(text, "alter", renaming.parent))
