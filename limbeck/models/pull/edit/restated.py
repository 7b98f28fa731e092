"""What pull would write beside the tables for the working models, and what follows from that."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from typing import Final

from limbeck.models.pull.render.beside import Declaration, beside
from limbeck.models.pull.render.contents import contents
from limbeck.models.pull.render.plain import plain
from limbeck.models.pull.render.split import early, late_parts
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.relations import relation_of

_PARTS: Final = frozenset({"column", "constraint", "index", "default"})
"""The kinds of objects that belong to a table, and are gone without a word."""


def former(
    before: Catalog,
    declared: Iterable[Declaration],
    live: Catalog,
    written: Catalog,
    apart: Container[Address],
) -> list[Declaration]:
    """Return what pull would write beside the tables for the working models, if it matters.

    Args:
        before: what they create.
        declared: what pull writes beside the tables of the live schema.
        live: the live schema.
        written: `before` by the names before the renames.
        apart: tables that inherit, which the working models declare by their SQL.

    """
    # It takes as long as the same of the live schema, and most merges do not need it.
    needless = written is before and all(
        item.whole and not is_definition(item) for item in declared
    )
    if needless and not _gone_parts(before, live):
        return []
    return beside_of(written, apart)


def beside_of(catalog: Catalog, apart: Container[Address] = ()) -> list[Declaration]:
    """Return what pull would write beside the tables."""
    first = early(catalog)
    late = late_parts(catalog, first)
    return beside(catalog, first, plain(contents(catalog, apart), late, apart=apart))


def stated(before: Catalog, live: Catalog, former: Iterable[Declaration]) -> set[str]:
    """Return what pull would write about parts of objects for the working models."""
    gone = _gone_parts(before, live)
    return {item.source.text for item in former if not item.whole or item.address in gone}


def bereft(before: Catalog, live: Catalog) -> set[Address]:
    """Return what went with a column of a table that stays, as a view of it.

    The models lose the column. What else is only in them stays, but this could not be created.
    """
    gone = before.objects.keys() - live.objects.keys()
    lost = {each for each in gone if each.kind == "column" and _has_table(each, live)}
    beside_ = {each for each in gone if each.kind not in {*_PARTS, "table", "enum"}}
    without: set[Address] = set()
    while more := {each for each in beside_ if before.depends.get(each, frozenset()) & lost}:
        beside_ -= more
        lost |= more
        without |= more
    return without


def _has_table(column: Address, catalog: Catalog) -> bool:
    return Address("table", column.schema, column.name) in catalog.objects


def _gone_parts(before: Catalog, live: Catalog) -> set[Address]:
    gone = before.objects.keys() - live.objects.keys()
    return {address for address in gone if address.kind in _PARTS}


def staying(former: Iterable[Declaration], before: Catalog, live: Catalog) -> set[str]:
    """Return the statements about tables that only the models have, which stay with them."""
    return {
        item.source.text for item in former if not item.whole and _has_stayed(item, before, live)
    }


def moved(
    former: Iterable[Declaration], before: Catalog, live: Catalog, apart: Container[Address]
) -> Iterator[Declaration]:
    """Yield what only the models have and a rename has changed, as a partition of its table.

    Args:
        former: by the names before the renames.
        before: the schema of the models, by the new names.
        live: the live schema.
        apart: as in `former`.

    """
    texts = {item.source.text for item in former}
    for item in beside_of(before, apart):
        if item.source.text not in texts and _has_stayed(item, before, live):
            yield item


def _has_stayed(item: Declaration, before: Catalog, live: Catalog) -> bool:
    """Return whether only the models have an object, or the table that it belongs to."""
    own = before.objects.get(item.address)
    relation = own and relation_of(own)
    whole = Address("table", *relation) if relation else item.address
    return whole in before.objects.keys() - live.objects.keys()


def is_definition(item: Declaration) -> bool:
    """Return whether a table is declared as SQL, which has its constraints as well."""
    return item.address.kind == "table" and item.form == "Definition"


def reformed(
    former: Sequence[Declaration], beside_: Iterable[Declaration], *, renamed: bool
) -> Iterator[Declaration]:
    """Yield the tables that pull would declare in another way, though they are the same.

    A partition with a key by another name than its own cannot be created as a partition: it is
    attached afterwards.
    """
    tables = {item.address: item for item in former if item.whole and item.address.kind == "table"}
    known = set() if renamed else {item.address for item in former}
    formed: set[Address] = set()
    for item in beside_:
        old = tables.get(item.address, item)
        if item.whole and old.source.text != item.source.text:
            formed |= {item.address} if old.form != item.form else set()
            yield item
        elif not item.whole and item.address in formed:
            yield item
        elif known and item.address.kind in _PARTS and item.address not in known:
            yield item  # until now its table has implied it, as an index of a partition


def preceding(
    declared: Iterable[Declaration], beside_: Sequence[Declaration], stated: Collection[str]
) -> dict[Declaration, str]:
    """Return the statement of the working models before which each of these has to run.

    They are about one table: a key that a partition gets by itself comes before it is attached.
    """
    order = {item: number for number, item in enumerate(beside_)}
    first: dict[Declaration, str] = {}
    for item in declared:
        if item.whole or item.address.kind != "constraint" or item not in order:
            continue
        table = Address("table", item.address.schema, item.address.name)
        after = (
            each.source.text
            for each in beside_[order[item] :]
            if each.address == table and not each.whole and each.source.text in stated
        )
        if (text := next(after, None)) is not None:
            first[item] = text
    return first
