"""Indexes of a unit that are built before it, so that queries and uniqueness always have one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.phased.online import recipes
from limbeck.phased.online.scene import Scene
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff import index_definitions
from limbeck.schema.diff.casts import base
from limbeck.schema.diff.column_operations import AlterType, AlterTypes
from limbeck.schema.diff.operations import (
    AddConstraint,
    Comment,
    CreateFunction,
    CreateIndex,
    DropConstraint,
    DropIndex,
    Execute,
)
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import quote

# Types with a default operator class for btree, and no other way to sort.
SORTED = frozenset(
    {"smallint", "integer", "bigint", "numeric", "real", "double precision", "text", "date"}
    | {"character varying", "character", "timestamp without time zone", "uuid", "boolean"}
    | {"timestamp with time zone", "interval", "bytea"}
)
# What may come before an index in its unit without being needed by it.
UNRELATED = (AddConstraint, Comment, CreateIndex, DropConstraint, DropIndex)


@dataclass(frozen=True, slots=True)
class Build:
    """The step that builds an index before its unit, and what remains to do in the unit."""

    first: Step
    now: tuple[Step, ...] = ()


def build(step: Step, earlier: Sequence[Step], scene: Scene) -> Build | None:
    """Return how an index is built before its unit; None if it needs a step of the unit.

    Args:
        step: The step that creates an index, a key or a unique constraint.
        earlier: The steps of the unit before it.
        scene: Both sides of the change.

    """
    if not all(isinstance(each.operation, UNRELATED) for each in earlier):
        return None
    match step.operation:
        case AddConstraint(constraint) if constraint.type in "pu" and recipes.recipe(step, scene):
            name = _free(constraint.schema, constraint.name, earlier, scene)
            first = recipes.unique_index(step, constraint, name)
            return Build(first, (recipes.using(step, constraint, name),))
        case CreateIndex(index) if scene.in_use(index.table) and scene.plain(index.table):
            return _index(step, index, earlier, scene)
    return None


def exchanges(span: Sequence[Step], scene: Scene) -> Iterator[tuple[int, int]]:
    """Yield the places of the drop and the creation of indexes that are exchanged after a unit.

    The diff drops an index before its column changes the type. But Postgres keeps it in such a
    change, if it is of an ordinary kind, so the table need not be without until the new one is
    built.

    Args:
        span: The steps of the unit.
        scene: Both sides of the change.

    """
    if any(isinstance(step.operation, AddConstraint) for step in span):
        return  # a foreign key may need the one or the other
    dropped: set[int] = set()
    for last, created in enumerate(span):
        match created.operation:
            case CreateIndex(index) if scene.plain(index.table) and scene.in_use(index.table):
                # A dropped index is exchanged with one created index, not with each that is alike.
                for first in (place for place in range(last) if place not in dropped):
                    between = span[first + 1 : last]
                    if _exchanged(span[first], index, between) and not all(
                        isinstance(step.operation, UNRELATED) for step in between
                    ):
                        dropped.add(first)
                        yield first, last
                        break


def _exchanged(dropped: Step, created: Index, between: Sequence[Step]) -> bool:
    match dropped.operation:
        case DropIndex(index) if index.table == created.table and not _moved(index, between):
            if all(isinstance(step.operation, (CreateFunction, *UNRELATED)) for step in between):
                return index.address == created.address  # only what it calls has changed
            first = [item.keys[0].column for item in (index, created) if item.keys]
            plain = index.method == "btree" and all(key.is_plain for key in index.keys)
            return plain and index.where is None and len(set(first)) == 1
    return False


def _moved(index: Index, steps: Sequence[Step]) -> bool:
    """Return whether a column of an index moves to another one, so that the index goes with it."""
    names = {key.column for key in index.keys if key.column}
    columns = {Address("column", *index.table[1:3], name) for name in names}
    return any(isinstance(step.operation, Execute) and step.address in columns for step in steps)


def keeps_indexes(span: Sequence[Step]) -> bool:
    """Return whether every type change of a unit is to a type that a btree sorts by itself."""
    changes = (
        change
        for step in span
        for change in (
            (step.operation,)
            if isinstance(step.operation, AlterType)
            else [each for each, _ in step.operation.changes]
            if isinstance(step.operation, AlterTypes)
            else ()
        )
    )
    return all(base(change.after.type) in SORTED for change in changes)


def _index(step: Step, index: Index, earlier: Sequence[Step], scene: Scene) -> Build:
    name = _free(index.schema, index.name, earlier, scene)
    new = replace(index, name=name, definition=index_definitions.named(index.definition, name))
    first = replace(step, operation=CreateIndex(new, concurrently=True), outside=True)
    if name == index.name:
        return Build(first)
    rename = f"ALTER INDEX {of(new.address)} RENAME TO {quote(index.name)}"
    renamed = replace(step, operation=Execute(rename, "rename", index.address), note=None)
    return Build(first, (renamed,))


def _free(schema: str, name: str, earlier: Sequence[Step], scene: Scene) -> str:
    """Return the name of an index, or another one while an index that is dropped has it."""
    address = Address("index", schema, name)
    if address not in {_relation(step) for step in earlier} and not _is_derived(address, scene):
        return name
    return f"{name.encode()[: recipes.LONGEST_NAME - 4].decode(errors='ignore')}_new"


def _is_derived(address: Address, scene: Scene) -> bool:
    """Return whether it is a partition's index, which goes with that of the partitioned table."""
    index = scene.before.objects.get(address)
    return isinstance(index, Index) and index.parent is not None


def _relation(step: Step) -> Address | None:
    """Return the index that a step drops, be it that of a constraint."""
    match step.operation:
        case DropIndex(index):
            return index.address
        case DropConstraint(Constraint(schema=schema, name=name)):
            return Address("index", schema, name)
    return None
