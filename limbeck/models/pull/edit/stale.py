"""Relationships of working models whose foreign key is gone, or no longer the only one."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.known import Link, Pair
from limbeck.models.pull.edit.matching import called
from limbeck.models.pull.edit.place import Place
from limbeck.models.pull.edit.sides import Sides, joins, joins_of
from limbeck.models.pull.edit.syntax import without
from limbeck.models.pull.edit.unkeyed import dangling
from limbeck.models.pull.render.models import Models
from limbeck.models.source.text import literal
from limbeck.schema.catalog.objects.address import Address


def stale(sides: Sides) -> frozenset[Link]:
    """Return the relationships whose foreign key is gone, or joins other columns."""
    now = {pair for pairs in joins(sides.after) for pair in pairs}
    # A table that is only in the models stays there, with its foreign keys.
    changed = [model for address, model in sides.before.tables.items() if address in sides.changed]
    before = {
        pair
        for model in changed
        for key in model.contents.foreign_keys
        for pair in joins_of(key.address, sides.before)
    }
    before |= {pair for _, key in dangling(sides) for pair in joins_of(key.address, sides.before)}
    gone = {pair for pairs in before for pair in pairs} - now
    return frozenset(link for link in sides.known.links if link.pairs & gone)


def ambiguous(sides: Sides, gone: frozenset[Link]) -> frozenset[Link]:
    """Return the relationships between two tables that a new foreign key joins as well."""
    count = Counter(_tables(pairs) for pairs in joins(sides.after))
    old = joins(sides.before)
    fresh = {_tables(pairs) for pairs in joins(sides.after) if pairs not in old}
    return frozenset(
        link
        for link in sides.known.links
        if link not in gone
        and link.secondary is None
        and (tables := frozenset({link.owner, link.target})) in fresh
        and count[tables] > 1
    )


def _tables(pairs: frozenset[Pair]) -> frozenset[Address]:
    return frozenset(table for pair in pairs for table, _ in pair)


def remove(draft: Draft, place: Place, link: Link) -> None:
    """Remove a relationship from its class.

    One that a backref declares has no statement: it is removed with the other side.
    """
    if statement := place.others.get(link.name):
        draft.edits.append(without(draft.parsed, statement))


def tell_apart(draft: Draft, place: Place, link: Link, models: Models) -> None:
    """Add foreign_keys to a relationship that does not name its foreign key yet.

    Args:
        draft: the module of the class.
        place: the class.
        link: the relationship.
        models: the live schema.

    """
    statement = place.others.get(link.name)
    call = getattr(statement, "value", None)
    if not isinstance(call, ast.Call) or called(call) != "relationship":
        return
    if {keyword.arg for keyword in call.keywords} & {"foreign_keys", "primaryjoin"}:
        return
    columns = sorted(_referring(link, models))
    names = [
        f"{models.tables[table].name}.{models.tables[table].attributes[column]}"
        for table, column in columns
    ]
    if all(table == link.owner for table, _ in columns):
        own = [models.tables[table].attributes[column] for table, column in columns]
        if all(name in place.assigned for name in own):
            draft.of(call).keywords.append(f"foreign_keys=[{', '.join(own)}]")
            return
    listed = literal(f"[{', '.join(names)}]")
    draft.of(call).keywords.append(f"foreign_keys={listed}")


def _referring(link: Link, models: Models) -> Iterator[tuple[Address, str]]:
    """Yield the columns of the foreign key that a relationship follows."""
    for table in {link.owner, link.target}:
        for key in models.tables[table].contents.foreign_keys:
            if key.reference is None:
                continue
            pairs = zip(key.columns, key.reference.columns, strict=True)
            joined = [frozenset({(table, a), (key.reference.table, b)}) for a, b in pairs]
            if frozenset(joined) == link.pairs:
                yield from ((table, column) for column in key.columns)
                return
