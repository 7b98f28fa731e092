"""Choose the tables and views that a change touches, and those that depend on what it touches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.grants import Grant
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table

_OF_RELATIONS = frozenset({"column", "constraint", "trigger", "policy", "rule", "default"})
# A table that refers to a changed one is concerned, but not what refers to that table in turn.
_ENDS = frozenset({"table", "column", "constraint", "index", "trigger", "policy", "rule"})
LONGEST = 50
"""The number of relations that are probed: a change of more makes the same change to each."""


def concerned(
    before: Catalog,
    after: Catalog,
    *,
    probed: Catalog | None = None,
    touched: Iterable[Address] = (),
) -> list[Address]:
    """Return the tables and views of a catalog whose statements a change could break.

    Args:
        before: The catalog before the change.
        after: The catalog after it.
        probed: Which of the two has the statements; by default the one before.
        touched: Relations that are the same in both, but not in between.

    """
    changed = {change.address for change in before.changes_to(after)} | set(touched)
    relations: dict[Address, None] = {}
    for catalog in (before, after):
        direct = list(dict.fromkeys(_of_changed(catalog, changed)))
        relations |= dict.fromkeys(direct)
        relations |= dict.fromkeys(_dependents(catalog, changed | set(direct)))
    known = (probed or before).objects
    return sorted(address for address in relations if _has_rows(known.get(address)))


def _has_rows(item: object) -> bool:
    return item is not None and not (isinstance(item, Table) and item.kind == "f")


def _of_changed(catalog: Catalog, changed: set[Address]) -> Iterator[Address]:
    for address in sorted(changed):
        yield from _relations(catalog, address)
        item = catalog.objects.get(address)
        if isinstance(item, Constraint) and item.reference:
            yield item.reference.table
        if isinstance(item, Grant):
            yield from _relations(catalog, item.target)


def _relations(catalog: Catalog, address: Address) -> Iterator[Address]:
    """Yield the relation that an address belongs to, and the one that it is a partition of."""
    item = catalog.objects.get(address)
    if address.kind in {"table", "view"}:
        yield address
    elif isinstance(item, Index):
        yield item.table
    elif address.kind in _OF_RELATIONS:
        table = Address("table", address.schema, address.name)
        view = table._replace(kind="view")
        yield view if view in catalog.objects else table
    if isinstance(item, Table) and item.partition_of:
        yield item.partition_of


def _dependents(catalog: Catalog, changed: set[Address]) -> Iterator[Address]:
    """Yield the relations that depend on changed objects, through functions, types and views."""
    dependents = _reversed(catalog.depends)
    todo, seen = list(changed), set(changed)
    while todo:
        for address in dependents.get(todo.pop(), ()):
            if address not in seen:
                seen.add(address)
                yield from _relations(catalog, address)
                if address.kind not in _ENDS:
                    todo.append(address)


def _reversed(depends: Mapping[Address, frozenset[Address]]) -> Mapping[Address, list[Address]]:
    dependents: dict[Address, list[Address]] = defaultdict(list)
    for source, targets in depends.items():
        for target in targets:
            dependents[target].append(source)
    return dependents
