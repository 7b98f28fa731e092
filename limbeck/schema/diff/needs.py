"""Which parts a part depends on: by its nature, and as pg_depend recorded it.

`parts.of` asks; the answers order the statements of a diff.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Policy, Rule, Trigger
from limbeck.schema.catalog.objects.types import Domain
from limbeck.schema.diff.part import (
    Attachment,
    Default,
    DomainRule,
    Generator,
    Inheritance,
    Ownership,
    Part,
    Required,
    derived,
    owner,
    sub,
)

# Kinds of objects that an expression calls.
CALLED = frozenset({"function", "operator", "extension"})
OF_TABLE = (Column, Constraint, Trigger, Policy, Rule)


def structure(part: Part, parts: Mapping[Address, Part]) -> Iterator[Address]:
    """Yield the parts that a part depends on by its nature, whether or not it is recorded."""
    if isinstance(part, Default | Required | Generator):
        yield part.column.address
        required = sub(part.column.address, "not_null")
        if isinstance(part, Generator) and required in parts:
            yield required  # Postgres adds an identity only to a column that is NOT NULL
    elif isinstance(part, Attachment | Inheritance):
        yield from (part.table.address, part.parent)
    elif isinstance(part, DomainRule):
        yield part.domain.address
    elif isinstance(part, Ownership):
        yield from (part.sequence.address, part.column)
    elif isinstance(part, OF_TABLE):
        table = Address("table", part.schema, part.table)
        yield table if table in parts else table._replace(kind="view")
    elif isinstance(part, Index):
        yield part.table
    schema = getattr(part, "schema", "")
    if schema and ("schema", "", schema, "") in parts:
        yield Address("schema", "", schema)
    if isinstance(part, Constraint):
        yield from _of_constraint(part, parts)


def granted_on(target: Address, parts: Mapping[Address, Part]) -> Iterator[Address]:
    """Yield the object that privileges are granted on, and for a column its table or view."""
    if target in parts:  # else it is the sequence of an identity
        yield target
    if target.part:
        table = owner(target)
        yield table if table in parts else table._replace(kind="view")


def _of_constraint(part: Constraint, parts: Mapping[Address, Part]) -> Iterator[Address]:
    for name in part.columns:
        column = Address("column", part.schema, part.table, name)
        if column in parts:
            yield column
            required = sub(column, "not_null")
            if part.type == "p" and required in parts:
                yield required
    if part.type == "f" and part.reference is not None:
        yield part.reference.table


def add_recorded(
    user: Address,
    used: Iterable[Address],
    catalog: Catalog,
    parts: Mapping[Address, Part],
    needs: Mapping[Address, set[Address]],
) -> None:
    """Add the recorded dependencies of one object, except those that only follow a parent table.

    Args:
        user: The object that depends.
        used: The objects that it depends on.
        catalog: The catalog that recorded it.
        parts: The parts of the catalog.
        needs: Receives the dependencies.

    """
    item = catalog.objects.get(user)
    if user.kind == "default" and user not in parts:
        user = sub(user, "column")  # a generation expression, which belongs to its column
    if user not in parts:
        return
    part = parts[user]
    if isinstance(item, Domain) and item.checks:
        # The functions that a check calls are recorded for the whole domain. Only if the domain
        # has a default, too, the default may be what calls them.
        _add_to_checks(item, used, parts, needs)
        used = [address for address in used if item.default or address.kind not in CALLED]
    for address in used:
        if address in parts and not _is_descent(part, user, address):
            # The column that owns a sequence is a part of its own, Ownership.
            if isinstance(item, Sequence) and item.owned_by and address[1:3] == item.owned_by[1:3]:
                continue
            needs[user].add(address)


def _add_to_checks(
    item: Domain,
    used: Iterable[Address],
    parts: Mapping[Address, Part],
    needs: Mapping[Address, set[Address]],
) -> None:
    """Add to each check what is recorded for its domain as a whole."""
    called = [address for address in used if address in parts and address.kind in CALLED]
    for check in item.checks:
        needs[Address("domain_check", item.schema, item.name, check.name)].update(called)


def _is_descent(part: Part, user: Address, used: Address) -> bool:
    """Return whether a dependency only says that a child follows its parent."""
    if isinstance(part, Table):
        return used.kind == "table"
    if isinstance(part, Column) and part.inherited:
        return used.kind == "column" and used.part == user.part
    if isinstance(part, Constraint) and part.type in "pux" and used.kind == "index":
        return True  # its index belongs to that of the parent
    return (
        user.kind == used.kind
        and user.kind in {"constraint", "index", "trigger"}
        and (derived(part))
    )
