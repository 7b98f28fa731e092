"""Checks that are NOT VALID, and the copies of them that child tables have.

A new child gets a valid copy of its parent's check, whatever the state of the parent's
(MergeCheckConstraint() in src/backend/commands/tablecmds.c), and no statement makes a valid
constraint NOT VALID again. ADD CONSTRAINT ... NOT VALID on the parent of existing children,
however, passes on copies that are not valid. So where a copy must not be valid, the parent's check
is dropped, and added again once the child exists. `deciding` asks which checks that are, `ordering`
and `folding` whether a copy then needs a VALIDATE of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.diff import descent
from limbeck.schema.diff.part import Part, derived, owner
from limbeck.schema.diff.parts import Parts


def renewed(before: Parts, after: Parts, fate: Mapping[Address, str]) -> set[Address]:
    """Return the checks that are dropped and added again for the sake of a copy.

    A check, its parents' checks and its inherited copies are one family: Postgres drops them
    together, so all of them are added again.
    """
    todo = [
        above
        for copy in _newly_unproven(before, after, fate)
        for above in _namesakes(before, copy, after.parents(owner(copy)))
    ]
    checks: set[Address] = set()
    while todo:
        address = todo.pop()
        if address in after and address not in checks:
            checks.add(address)
            todo += _family(before, address)
    return checks


def _newly_unproven(before: Parts, after: Parts, fate: Mapping[Address, str]) -> Iterator[Address]:
    """Yield the checks that cannot become NOT VALID while a parent has them.

    They are those of a new child, and those of an existing child that are dropped and added again:
    the ADD CONSTRAINT would merge with the parent's, and be valid.
    """
    for address, part in after.by_address.items():
        if not (isinstance(part, Constraint) and part.type == "c" and descent.late(part)):
            continue
        table = owner(address)
        child = before.parents(table) == after.parents(table)
        if fate.get(table) in {"create", "replace"} or (child and fate.get(address) == "replace"):
            yield address


def _family(parts: Parts, address: Address) -> Iterator[Address]:
    """Yield the checks that a check comes from, and its copies, which are dropped with it."""
    table = owner(address)
    yield from _namesakes(parts, address, parts.parents(table))
    below = _namesakes(parts, address, parts.children[table])
    yield from (copy for copy in below if derived(parts[copy]))


def _namesakes(parts: Parts, address: Address, tables: Iterable[Address]) -> Iterator[Address]:
    """Yield the checks of the same name on tables; Postgres merges checks of a name."""
    for table in tables:
        check = parts.get(address._replace(schema=table.schema, name=table.name))
        if isinstance(check, Constraint) and check.type == "c" and not check.no_inherit:
            yield check.address


def outlives(copy: Part, after: Parts, created: Callable[[Address], bool]) -> bool:
    """Return whether a valid copy of a check that is added again must be validated.

    Args:
        copy: A part of a table that stays a child.
        after: The parts of the schema after the change.
        created: Returns whether the change creates a part.

    """
    if not isinstance(copy, Constraint) or not (copy.type == "c" and copy.inherited):
        return False
    above = descent.counterpart(after, copy.address)
    if above is None or not (created(above) and created(copy.address)):
        return False
    table = owner(copy.address)
    new = any(map(created, (table, *descent.ties(table, after))))
    return copy.validated and descent.late(after[above]) and not new
