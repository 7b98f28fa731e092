"""Checks that are not valid, and the copies of them that children have.

A new table's copy of its parent's check is valid, whatever the parent's is, and no statement takes
that back: where a copy shall not be valid, the parent gets its check once it has the child.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.diff import descent
from limbeck.schema.diff.part import Part, derived, owner
from limbeck.schema.diff.parts import Parts


def renewed(before: Parts, after: Parts, fate: Mapping[Address, str]) -> set[Address]:
    """Return the checks that are dropped and added anew for the sake of a copy."""
    todo = [
        above
        for copy in _newly_unproven(before, after, fate)
        for above in _namesakes(before, copy, after.parents(owner(copy)))
    ]
    found: set[Address] = set()
    while todo:
        address = todo.pop()
        if address in after and address not in found:
            found.add(address)
            todo += _family(before, address)
    return found


def _newly_unproven(before: Parts, after: Parts, fate: Mapping[Address, str]) -> Iterator[Address]:
    """Yield the checks that cannot become not valid while a parent has them."""
    for address, part in after.found.items():
        if not (isinstance(part, Constraint) and part.type == "c" and descent.late(part)):
            continue
        table = owner(address)
        child = before.parents(table) == after.parents(table)
        if fate.get(table) in {"create", "replace"} or (child and fate.get(address) == "replace"):
            yield address


def _family(parts: Parts, address: Address) -> Iterator[Address]:
    """Yield what a check comes from, and its copies, which are dropped with it."""
    table = owner(address)
    yield from _namesakes(parts, address, parts.parents(table))
    below = _namesakes(parts, address, parts.children[table])
    yield from (copy for copy in below if derived(parts[copy]))


def _namesakes(parts: Parts, address: Address, tables: Iterable[Address]) -> Iterator[Address]:
    """Yield the checks of parents or children that a check is one with: its name says it."""
    for table in tables:
        found = parts.found.get(address._replace(schema=table.schema, name=table.name))
        if isinstance(found, Constraint) and found.type == "c" and not found.no_inherit:
            yield found.address


def outlives(copy: Part, after: Parts, created: Callable[[Address], bool]) -> bool:
    """Tell whether a table's valid copy of a check that is made anew must be validated again."""
    if not isinstance(copy, Constraint) or not (copy.type == "c" and copy.inherited):
        return False
    above = descent.counterpart(after, copy.address)
    if above is None or not (created(above) and created(copy.address)):
        return False
    table = owner(copy.address)
    new = any(map(created, (table, *descent.ties(table, after))))
    return copy.validated and descent.late(after[above]) and not new
