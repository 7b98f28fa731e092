"""Pulled tables merged into working models, without touching what is equal."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa  # noqa: TC002 - one import block

from limbeck.models.pull.edit.additions import add
from limbeck.models.pull.edit.inplace import change_table
from limbeck.models.pull.edit.known import Link, working
from limbeck.models.pull.edit.labels import change_calls, change_class
from limbeck.models.pull.edit.merged import Merge
from limbeck.models.pull.edit.place import place_of
from limbeck.models.pull.edit.redeclared import change_entity
from limbeck.models.pull.edit.sides import Sides, changed_enums, differs
from limbeck.models.pull.edit.stale import ambiguous, remove, stale, tell_apart
from limbeck.models.pull.edit.workplace import Workplace, read
from limbeck.models.pull.options import Options
from limbeck.models.pull.render.formatting import like_before
from limbeck.models.pull.render.tables import relationship
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address

_OF_TABLES = frozenset({"table", "column", "constraint", "index", "default", "schema"})


def merge(
    metadata: sa.MetaData, before: Catalog, live: Catalog, options: Options | None = None
) -> Merge:
    """Return how working models have to change to be those of a live schema.

    Args:
        metadata: of the working models, which are imported.
        before: what the working models make, on a server of the same major.
        live: the live schema.
        options: `package` is where the working models are: a package, or one module.

    Raises:
        ModelsError: the models are in no package that was imported, or have no declarative base.

    """
    options = options or Options()
    known = working(metadata, options.package)
    sides = Sides.of(known, before, live)
    work = Workplace.of(options.package, known)
    _change_tables(sides, work)
    _change_relationships(sides, work)
    left = [*_change_others(sides, work), *_other_kinds(sides)]
    texts = work.results()
    root = options.root or work.place.parent
    add(sides, work, texts, root)
    left += [one for draft in work.drafts.values() for one in draft.left]
    old = {path: text for path in texts if (text := read(path)) is not None}
    merged = like_before(texts, old, root, options.package)
    files = {path: text for path, text in merged.items() if old.get(path) != text}
    return Merge(
        files,
        {path: old[path] for path in files if path in old},
        tuple(sorted(sides.new)),
        tuple(sorted(sides.changed)),
        tuple(_gone(before, live)),
        tuple(dict.fromkeys(left)),
    )


def _change_tables(sides: Sides, work: Workplace) -> None:
    for address in sorted(sides.changed):
        old, new = sides.before.tables[address], sides.after.tables[address]
        draft = work.draft(new.module)
        change_table(draft, old, new, sides)
        body = place_of(draft, old)
        for relation in sides.related(new) if body is not None and new.mapped else ():
            made = relationship(relation, new, sides.after)
            if body is not None and body.body is not None:
                draft.append(body.body, made)


def _change_relationships(sides: Sides, work: Workplace) -> None:
    gone = stale(sides)
    for link in _sorted(gone):
        old = sides.before.tables.get(link.owner)
        place = old and place_of(work.draft(old.module), old)
        if old and place:
            remove(work.draft(old.module), place, link)
    for link in _sorted(ambiguous(sides, gone)):
        old = sides.before.tables.get(link.owner)
        place = old and place_of(work.draft(old.module), old)
        if old and place:
            tell_apart(work.draft(old.module), place, link, sides.after)


def _sorted(links: frozenset[Link]) -> list[Link]:
    return sorted(links, key=lambda link: (link.owner, link.name))


def _change_others(sides: Sides, work: Workplace) -> Iterator[str]:
    """Change enums and entities in place, and yield what has to be changed by hand."""
    before, live = sides.before.catalog, sides.after.catalog
    done = set()
    for old, new in changed_enums(before, live):
        known = sides.known.enums.get(new.address)
        drafts = list(work.all_drafts())
        in_calls = sum(change_calls(draft, old, new) for draft in drafts)
        in_classes = sum((known and change_class(draft, known, old, new)) or 0 for draft in drafts)
        if in_calls or in_classes:
            done.add(new.address)
    for found in sides.declarations:
        there = found.whole and found.address in before.objects
        if there and any(change_entity(draft, found.source) for draft in work.all_drafts()):
            done.add(found.address)
    for address in sorted(before.objects.keys() & live.objects.keys()):
        of_table = address.kind in _OF_TABLES
        said = any(one.address == address and not one.whole for one in sides.declarations)
        if not of_table and not said and address not in done and differs(address, before, live):
            yield f"{address}: its definition differs"


def _other_kinds(sides: Sides) -> Iterator[str]:
    """Yield the tables of the models that are tables of another kind in the database."""
    live = sides.after.catalog
    for address in sorted(sides.before.tables.keys() - sides.after.tables.keys()):
        if address in live.objects and address in sides.known.tables:
            yield f"{address}: the database has it as a partition, or as a child of another table"


def _gone(before: Catalog, live: Catalog) -> Iterator[Address]:
    for address in sorted(before.objects.keys() - live.objects.keys()):
        if address.kind == "table" or address.kind not in _OF_TABLES:
            yield address
