"""Columns and checks that a table gets from a new parent alone.

A table must have them before it can inherit, and would keep them as its own (attislocal,
conislocal): no statement takes that back. So they come from a bridge, a parent for a moment: what
the bridge gets, the table inherits. Then it inherits from the new parent, too, and the bridge goes.
"""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.schema.catalog.names import chosen_name, of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.diff import sql
from limbeck.schema.diff.operations import Execute
from limbeck.schema.diff.part import Part, owner, sub
from limbeck.schema.diff.situation import Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import qualified


def leads(part: Part | None, situation: Situation) -> bool:
    """Return whether a part is created on a bridge: only new parents of its table have it."""
    if isinstance(part, Column):
        fits = part.inherited
    else:
        is_check = isinstance(part, Constraint) and part.type == "c"
        fits = is_check and part.inherited and part.validated  # type: ignore[union-attr]
    if not fits or not isinstance(part, Column | Constraint):
        return False
    child, address = owner(part.address), part.address
    attached = sub(child, "attachment") in situation.after
    if attached or not situation.stays(child) or address not in situation.created:
        return False
    parents = [
        parent
        for parent in situation.after.parents(child)
        if address._replace(schema=parent.schema, name=parent.name) in situation.after
    ]
    return bool(parents) and not {*parents} & {*situation.before.parents(child)}


def added(part: Column | Constraint, definition: str) -> list[Step]:
    """Return the steps that create a bridge, and a column or check on it."""
    address, bridge = part.address, _name(part.address)
    # A check needs columns to refer to; a column must not be there before.
    columns = f"(LIKE {of(owner(address))})" if isinstance(part, Constraint) else "()"
    texts = (
        f"CREATE TABLE {bridge} {columns}",
        f"{sql.alter_table(address)} INHERIT {bridge}",
        f"ALTER TABLE {bridge} ADD {definition}",
    )
    return [Step(Execute(text, "create", address)) for text in texts]


def removed(child: Address, situation: Situation) -> Iterator[Step]:
    """Yield the steps that remove the bridges of a table that has got its parents."""
    for address in sorted(situation.after.users[child]):
        part = situation.after.get(address)
        if address[1:3] == child[1:3] and leads(part, situation):
            bridge = _name(address)
            for text in (f"{sql.alter_table(child)} NO INHERIT {bridge}", f"DROP TABLE {bridge}"):
                yield Step(Execute(text, "alter", child))


def _name(address: Address) -> str:
    return qualified(address.schema, chosen_name(address.name, address.part, "bridge"))
