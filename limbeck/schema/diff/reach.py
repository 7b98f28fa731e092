"""Find the relations that a change may concern before any of their objects are built.

`slicing` relates objects, and so it needs them. Of two catalogs in parts it gets those parts only
that can lead to what it looks for: what uses the parts that differ, their parents and partitions,
and whatever all of these need.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.parted import OTHERS, Parted
from limbeck.schema.catalog.relations import Relation

MOST: Final = 0.5  # of the parts; with more of them the whole is as fast


class _Edge(NamedTuple):
    """That something of a relation depends on another one; `last` as in `Link`."""

    user: Relation
    used: Relation
    last: bool
    inherits: bool = False


def narrowed(before: Catalog, after: Catalog) -> tuple[Catalog, Catalog]:
    """Return two catalogs without the relations that their differences cannot concern.

    They are returned as they are where they are not in parts, and where it is not known which
    relations are concerned: through a function, for instance, anything may use a table.
    """
    left, right = before.objects, after.objects
    if not (isinstance(left, Parted) and isinstance(right, Parted)):
        return before, after
    changed = left.unlike(right)
    staying = _staying(changed, [*_edges(left, left.parts), *_edges(right, changed)])
    if staying is None or len(staying) > MOST * max(len(left.parts), len(right.parts)):
        return before, after
    return _only(before, left, staying), _only(after, right, staying)


def _edges(objects: Parted, names: Iterable[Relation]) -> Iterator[_Edge]:
    """Yield what some relations depend on."""
    for name in names:
        if part := objects.parts.get(name):
            for link in part.about.links:
                if (used := objects.owner(link.name)) is not None and used != name:
                    yield _Edge(name, used, link.last)
            yield from (_Edge(name, at, last=False, inherits=True) for at in part.about.parents)


def _staying(changed: set[Relation], edges: Iterable[_Edge]) -> set[Relation] | None:
    """Return the relations that stay; None where all have to."""
    users: dict[Relation, set[_Edge]] = defaultdict(set)
    uses: dict[Relation, set[_Edge]] = defaultdict(set)
    relatives: dict[Relation, set[Relation]] = defaultdict(set)
    for edge in edges:
        users[edge.used].add(edge)
        uses[edge.user].add(edge)
        if edge.inherits:
            relatives[edge.user].add(edge.used)
            relatives[edge.used].add(edge.user)
    # What has changed, and all that uses it: on what is `last` nothing depends in turn.
    affected = _reached(
        changed, lambda name: (edge.user for edge in users.get(name, ()) if not edge.last)
    )
    affected |= {edge.user for name in affected for edge in users.get(name, ())}
    if OTHERS in affected:
        return None
    start = _reached(affected, lambda name: relatives.get(name, ())) | {OTHERS}
    needed = {edge.used for name in start for edge in uses.get(name, ())}
    return start | _reached(
        needed, lambda name: (edge.used for edge in uses.get(name, ()) if not edge.last)
    )


def _reached(
    start: set[Relation], following: Callable[[Relation], Iterable[Relation]]
) -> set[Relation]:
    """Return relations with all that follow from them, however indirectly."""
    reached, todo = {*start}, [*start]
    while todo:
        new = {*following(todo.pop())} - reached
        reached |= new
        todo += new
    return reached


def _only(catalog: Catalog, objects: Parted, staying: set[Relation]) -> Catalog:
    """Return a catalog with some of its relations."""
    parts = {name: part for name, part in objects.parts.items() if name in staying}
    own = {at: item for part in parts.values() for at, item in part.objects.items()}
    depends = {at: used for part in parts.values() for at, used in part.depends.items()}
    narrow = replace(catalog, objects=own, depends=depends)
    narrow.derived["whole"] = catalog
    return narrow
