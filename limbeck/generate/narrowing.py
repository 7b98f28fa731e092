"""Select the changes of named tables and columns, for `limbeck generate --only`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import psycopg

from limbeck.engine import privileged
from limbeck.errors import ConfigurationError, ProofError
from limbeck.postgres.connect import connect
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.sequences import Sequence as SequenceObject
from limbeck.schema.catalog.objects.types import Enum
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare, retyping
from limbeck.schema.diff.operations import AddConstraint, CreateIndex, DropConstraint, DropIndex
from limbeck.schema.diff.steps import Step
from limbeck.schema.renames.rename import Rename
from limbeck.schema.sql import quoting
from limbeck.shadow.filters import filters
from limbeck.shadow.replay import Replay


def concerned(names: Iterable[str], renamed: Iterable[Rename]) -> tuple[Rename, ...]:
    """Return the renames whose old or new name is selected."""
    wanted = _wanted(names)
    return tuple(each for each in renamed if _renames(each, wanted))


def narrowed(
    project: Project,
    replay: Replay,
    ends: tuple[Catalog, Catalog],
    renamed: Sequence[Rename],
    names: Sequence[str],
) -> Catalog:
    """Return the catalog after the selected changes only.

    Args:
        project: The project.
        replay: The replayed history.
        ends: The catalogs of the history and of the models.
        renamed: The confirmed renames.
        names: The selected tables and columns, such as public.books.title.

    Raises:
        ConfigurationError: Nothing changes about the names.
        ProofError: The selected changes need other changes.

    """
    before, after = ends
    wanted = _wanted(names)
    for rename in renamed:
        if _renames(rename, wanted):
            wanted |= {_plain(rename.before), _plain(rename.after)}
    every = retyping.separated(compare.steps(before, after, renamed))
    steps = [step for step in every if _concerns(step, before, wanted)]
    if not steps:
        raise ConfigurationError(
            f"nothing changes about {', '.join(names)}",
            hint="Write full names, such as public.books.title: limbeck diff head models",
        )
    with replay.shadow.scratch(replay.template()) as database, connect(database) as connection:
        connection.execute("SET check_function_bodies = off")
        for step in steps:
            try:
                privileged.execute(connection, step.sql)
            except psycopg.Error as error:
                raise ProofError(
                    f"{', '.join(names)} cannot change without other objects: {error}\n{step.sql}",
                    hint="Make all changes at once: limbeck generate --zero-downtime",
                ) from error
        return read(connection, filters=filters(project))


def _renames(rename: Rename, wanted: set[tuple[str, ...]]) -> bool:
    return _named(rename.before, wanted) or _named(rename.after, wanted)


def _wanted(names: Iterable[str]) -> set[tuple[str, ...]]:
    return {quoting.names(name) for name in names}


def _plain(address: Address) -> tuple[str, ...]:
    return tuple(part for part in address[1:] if part)


def _named(address: Address, wanted: set[tuple[str, ...]]) -> bool:
    """Return whether an address is selected, or belongs to a selected table."""
    plain = _plain(address)
    return plain in wanted or plain[:2] in wanted


def _concerns(step: Step, before: Catalog, wanted: set[tuple[str, ...]]) -> bool:
    if _named(step.address, wanted):
        return True
    return any(_named(column, wanted) for column in _used(step, before))


def _used(step: Step, before: Catalog) -> Iterable[Address]:
    """Yield the columns that use the step's key, check, index, sequence or type."""
    match step.operation:
        case AddConstraint(constraint) | DropConstraint(constraint):
            item: object = constraint
        case CreateIndex(index) | DropIndex(index):
            item = index
        case _:
            item = before.objects.get(step.address)
    if isinstance(item, Constraint):
        yield from (Address("column", item.schema, item.table, name) for name in item.columns)
    elif isinstance(item, Index):
        place = item.table
        keys = (key.column for key in item.keys if key.column)
        yield from (Address("column", place.schema, place.name, name) for name in keys)
    elif isinstance(item, SequenceObject) and item.owned_by:
        yield item.owned_by
    elif isinstance(item, Enum):
        yield from (at for at, used in before.depends.items() if step.address in used)
