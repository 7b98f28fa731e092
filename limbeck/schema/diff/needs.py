"""What a part needs: by its nature, and as the server recorded it."""

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

# What an expression calls.
CALLED = frozenset({"function", "operator", "extension"})
OF_TABLE = (Column, Constraint, Trigger, Policy, Rule)


def structure(part: Part, found: Mapping[Address, Part]) -> Iterator[Address]:
    """Yield what a part needs by its nature, whether or not the server recorded it."""
    if isinstance(part, Default | Required | Generator):
        yield part.column.address
        required = sub(part.column.address, "not_null")
        if isinstance(part, Generator) and required in found:
            yield required
    elif isinstance(part, Attachment | Inheritance):
        yield from (part.table.address, part.parent)
    elif isinstance(part, DomainRule):
        yield part.domain.address
    elif isinstance(part, Ownership):
        yield from (part.sequence.address, part.column)
    elif isinstance(part, OF_TABLE):
        table = Address("table", part.schema, part.table)
        yield table if table in found else table._replace(kind="view")
    elif isinstance(part, Index):
        yield part.table
    schema = getattr(part, "schema", "")
    if schema and ("schema", "", schema, "") in found:
        yield Address("schema", "", schema)
    if isinstance(part, Constraint):
        yield from _of_constraint(part, found)


def granted_on(target: Address, found: Mapping[Address, Part]) -> Iterator[Address]:
    """Yield what is granted on; with a column its table or view."""
    if target in found:  # else it is the sequence of an identity
        yield target
    if target.part:
        table = owner(target)
        yield table if table in found else table._replace(kind="view")


def _of_constraint(part: Constraint, found: Mapping[Address, Part]) -> Iterator[Address]:
    for name in part.columns:
        column = Address("column", part.schema, part.table, name)
        if column in found:
            yield column
            required = sub(column, "not_null")
            if part.type == "p" and required in found:
                yield required
    if part.type == "f" and part.reference is not None:
        yield part.reference.table


def add_recorded(
    user: Address,
    used: Iterable[Address],
    catalog: Catalog,
    found: Mapping[Address, Part],
    needs: Mapping[Address, set[Address]],
) -> None:
    """Add what the server recorded for one user, where this is no mere descent."""
    item = catalog.objects.get(user)
    if user.kind == "default" and user not in found:
        user = sub(user, "column")  # a generation expression
    if user not in found:
        return
    part = found[user]
    if isinstance(item, Domain) and item.checks:
        _add_to_checks(item, used, found, needs)
        used = [one for one in used if item.default or one.kind not in CALLED]
    for one in used:
        if one in found and not _is_descent(part, user, one):
            if isinstance(item, Sequence) and item.owned_by and one[1:3] == item.owned_by[1:3]:
                continue
            needs[user].add(one)


def _add_to_checks(
    item: Domain,
    used: Iterable[Address],
    found: Mapping[Address, Part],
    needs: Mapping[Address, set[Address]],
) -> None:
    """Let the checks need what the server recorded for their domain as a whole."""
    called = [one for one in used if one in found and one.kind in CALLED]
    for check in item.checks:
        needs[Address("domain_check", item.schema, item.name, check.name)].update(called)


def _is_descent(part: Part, user: Address, used: Address) -> bool:
    """Tell whether an edge only says that a child follows its parent."""
    if isinstance(part, Table):
        return used.kind == "table"
    if isinstance(part, Column) and part.inherited:
        return used.kind == "column" and used.part == user.part
    return (
        user.kind == used.kind
        and user.kind in {"constraint", "index", "trigger"}
        and (derived(part))
    )
