"""One change out of all that the models ask for, by the name of what changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import psycopg

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
from limbeck.schema.diff import compare
from limbeck.schema.diff.operations import AddConstraint, CreateIndex, DropConstraint, DropIndex
from limbeck.schema.diff.steps import Step
from limbeck.schema.renames import parse
from limbeck.schema.renames.rename import Rename
from limbeck.shadow.filters import filters
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow


def concerned(names: Iterable[str], renamed: Iterable[Rename]) -> tuple[Rename, ...]:
    """Return the renames of what is named, by its old name or its new one."""
    wanted = _wanted(names)
    return tuple(one for one in renamed if _named(one.before, wanted) or _named(one.after, wanted))


def narrowed(
    project: Project,
    replay: Replay,
    ends: tuple[Catalog, Catalog],
    renamed: Sequence[Rename],
    names: Sequence[str],
) -> Catalog:
    """Return the catalog after the change of what is named, and of nothing else.

    Raises:
        ConfigurationError: nothing changes about a name.
        ProofError: that change cannot be made without others.

    """
    before, after = ends
    wanted = _wanted(names)
    for one in renamed:
        if _named(one.before, wanted) or _named(one.after, wanted):
            wanted |= {_plain(one.before), _plain(one.after)}
    steps = [one for one in compare.steps(before, after, renamed) if _concerns(one, before, wanted)]
    if not steps:
        raise ConfigurationError(
            f"nothing changes about {', '.join(names)}",
            hint="Write whole names, such as public.books.title; limbeck diff head models",
        )
    shadow = Shadow.of(project, replay.profile, listen=replay.listen)
    with shadow.scratch(replay.template()) as database, connect(database) as connection:
        connection.execute("SET check_function_bodies = off")
        for step in steps:
            try:
                connection.execute(step.sql.encode())
            except psycopg.Error as error:
                raise ProofError(
                    f"{', '.join(names)} cannot change without others: {error}\n{step.sql}",
                    hint="limbeck generate --zero-downtime makes all changes at once.",
                ) from error
        return read(connection, filters=filters(project))


def _wanted(names: Iterable[str]) -> set[tuple[str, ...]]:
    return {tuple(parse.unquote(part) for part in parse.split(name, ".")) for name in names}


def _plain(address: Address) -> tuple[str, ...]:
    return tuple(part for part in address[1:] if part)


def _named(address: Address, wanted: set[tuple[str, ...]]) -> bool:
    """Tell whether an address is one of the names, or is in the table that one of them is."""
    plain = _plain(address)
    return plain in wanted or plain[:2] in wanted


def _concerns(step: Step, before: Catalog, wanted: set[tuple[str, ...]]) -> bool:
    if _named(step.address, wanted):
        return True
    return any(_named(one, wanted) for one in _used(step, before))


def _used(step: Step, before: Catalog) -> Iterable[Address]:
    """Yield the columns that a step's key, check, index, sequence or type is for."""
    match step.operation:
        case AddConstraint(found) | DropConstraint(found):
            item: object = found
        case CreateIndex(found) | DropIndex(found):
            item = found
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
