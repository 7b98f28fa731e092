"""`pull` into working models: merge a live schema without touching what is equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa  # noqa: TC002 - one import block

from limbeck.models.pull.edit.additions import add
from limbeck.models.pull.edit.arguments import remove_part
from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.inplace import change_table
from limbeck.models.pull.edit.known import KnownEnum, Link, working
from limbeck.models.pull.edit.labels import change_calls, change_class, change_literal
from limbeck.models.pull.edit.merged import Merge
from limbeck.models.pull.edit.moving import Renames, catalog_after, known_after
from limbeck.models.pull.edit.place import place_of
from limbeck.models.pull.edit.redeclared import change_entity
from limbeck.models.pull.edit.renaming import rename, written
from limbeck.models.pull.edit.restated import bereft
from limbeck.models.pull.edit.sides import Sides, beyond, changed_enums, differs
from limbeck.models.pull.edit.stale import ambiguous, remove, stale, tell_apart
from limbeck.models.pull.edit.statements import insert_statements, remove_statements
from limbeck.models.pull.edit.unkeyed import dangling
from limbeck.models.pull.edit.unused import without_unused
from limbeck.models.pull.edit.workplace import Workplace, read
from limbeck.models.pull.options import Options
from limbeck.models.pull.render.formatting import like_before
from limbeck.models.pull.render.naming import Choices
from limbeck.models.pull.render.packaged import missing
from limbeck.models.pull.render.serials import serials
from limbeck.models.pull.render.tables import relationship
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.types import Enum
from limbeck.schema.catalog.relations import relation_of
from limbeck.schema.renames.rename import Rename

_OF_TABLES = frozenset({"table", "column", "constraint", "index", "default", "schema"})


def merge(
    metadata: sa.MetaData,
    before: Catalog,
    live: Catalog,
    options: Options | None = None,
    *,
    renames: Sequence[Rename] = (),
) -> Merge:
    """Return how working models have to change to describe a live schema.

    Args:
        metadata: of the working models, which are imported.
        before: the schema that the working models create, on a server of the same major.
        live: the live schema.
        options: `package` is the package of the working models, or their only module.
        renames: of tables, then of their columns; classes and attributes keep their names.

    Raises:
        ModelsError: the models are in no imported package, or have no declarative base.

    """
    options = options or Options()
    known = working(metadata, options.package)
    place = Workplace.of(options.package, known)
    source = before if renames else None
    if renames:
        moves = Renames.of(renames)
        names = written(place)
        rename(place, known, before, moves)
        before = catalog_after(before, live, moves, known.convention, names)
        known = known_after(known, moves)
    choices = Choices(options.names)
    sides = Sides.of(known, before, live, place.names(), choices, source)
    _change_tables(sides, place)
    _cut_keys(sides, place)
    _change_relationships(sides, place)
    if sides.unstated or sides.preceding or sides.bereft:
        for draft in place.all_drafts():
            remove_statements(draft, sides)
            insert_statements(draft, sides)
    left = [*_change_others(sides, place), *_other_kinds(sides)]
    texts = place.results()
    root = options.root or place.init.parent
    # Additions come last: they are appended to the texts that the edits above result in.
    add(sides, place, texts, root)
    left += [line for draft in place.drafts.values() for line in draft.left]
    old = {path: text for path in texts if (text := read(path)) is not None}
    for path, text in old.items():
        texts[path] = without_unused(text.replace("\r\n", "\n"), texts[path])
    merged = like_before(texts, old, root, options.package)
    files = {path: text for path, text in merged.items() if old.get(path) != text}
    return Merge(
        files,
        {path: old[path] for path in files if path in old},
        tuple(sorted(sides.new)),
        tuple(sorted(sides.changed)),
        tuple(_gone(before, live)),
        tuple(dict.fromkeys(left)),
        tuple(missing(live)),
        tuple(renames),
    )


def _change_tables(sides: Sides, place: Workplace) -> None:
    for address in sorted(sides.changed):
        old, new = sides.before.tables[address], sides.after.tables[address]
        draft = place.draft(new.module)
        change_table(draft, old, new, sides)
        declared = place_of(draft, old)
        if declared is None or declared.body is None or not new.mapped:
            continue
        for relation in sides.related(new):
            draft.append(declared.body, relationship(relation, new, sides.after))


def _cut_keys(sides: Sides, place: Workplace) -> None:
    """Remove the foreign keys of tables that only the models have, if their target is gone."""
    for model, key in dangling(sides):
        draft = place.draft(model.module)
        declared = place_of(draft, model)
        if declared:
            remove_part(draft, declared, key, model, sides)


def _change_relationships(sides: Sides, place: Workplace) -> None:
    gone = stale(sides)
    for link in _sorted(gone):
        old = sides.before.tables.get(link.owner)
        declared = old and place_of(place.draft(old.module), old)
        if old and declared:
            remove(place.draft(old.module), declared, link)
    for link in _sorted(ambiguous(sides, gone)):
        old = sides.before.tables.get(link.owner)
        declared = old and place_of(place.draft(old.module), old)
        if old and declared:
            tell_apart(place.draft(old.module), declared, link, sides.after)


def _sorted(links: frozenset[Link]) -> list[Link]:
    return sorted(links, key=lambda link: (link.owner, link.name))


def _change_others(sides: Sides, place: Workplace) -> Iterator[str]:
    """Change enums and entities in place; yield those that have to be changed by hand."""
    before, live = sides.before.catalog, sides.after.catalog
    done = set()
    for old, new in changed_enums(before, live):
        known = sides.known.enums.get(new.address)
        drafts = list(place.all_drafts())
        in_calls = sum(change_calls(draft, old, new) for draft in drafts)
        in_python = sum(_change_python(draft, known, old, new) for draft in drafts)
        if in_calls or in_python:
            done.add(new.address)
    for declaration in sides.declarations:
        if sides.is_declared(declaration) and any(
            change_entity(draft, declaration.source) for draft in place.all_drafts()
        ):
            done.add(declaration.address)
    # A partial declaration is appended as a Statement, so nothing is left to do for its object.
    stated = {item.address for item in sides.declarations if not sides.is_declared(item)}
    for address in sorted(before.objects.keys() & live.objects.keys() - stated - done):
        if address.kind not in _OF_TABLES and differs(address, before, live):
            yield f"{address}: its definition differs"
        elif address.kind == "table" and beyond(address, before, live):
            yield f"{address}: its row security or replica identity differs"


def _change_python(draft: Draft, known: KnownEnum | None, old: Enum, new: Enum) -> bool:
    """Change what an enum is in Python; return whether it is here."""
    return known is not None and (
        change_class(draft, known, old, new) or change_literal(draft, known, old, new)
    )


def _other_kinds(sides: Sides) -> Iterator[str]:
    """Yield the tables of the models that are another kind of table in the database."""
    live = sides.after.catalog
    for address in sorted(sides.before.tables.keys() - sides.after.tables.keys()):
        if address in live.objects and address in sides.known.tables:
            yield f"{address}: it is a partition or a child of another table in the database"


def _gone(before: Catalog, live: Catalog) -> Iterator[Address]:
    # The sequence of a serial goes with the column.
    implied = {sequence.address for sequence in serials(before).values()}
    addresses = before.objects.keys() - live.objects.keys()
    for address in sorted(addresses - implied - bereft(before, live)):
        relation = relation_of(before.objects[address])
        of_gone = relation is not None and Address("table", *relation) in addresses
        # With a table goes what belongs to it.
        if address.kind == "table" or not (of_gone or address.kind in _OF_TABLES):
            yield address
