"""What the proof of pulled models says: do they make the same schema again?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from limbeck.schema.catalog.catalog import Catalog, Change
from limbeck.schema.catalog.objects.address import Address

# What the sum of a proof counts, and how one of them is called.
_COUNTED = ("table", "column", "constraint", "index", "view", "function", "trigger", "enum")
_PLURALS = {"index": "indexes"}


@dataclass(frozen=True, slots=True)
class Proof:
    """What the models made, held against what they were pulled from.

    `counts` counts the source's objects by kind; `lost` are the differences, the source as
    before; `reordered` the tables whose columns come in another order; `respelled` what Postgres
    itself spells in another way each time that it reads it, which is no difference; `unreadable`
    names what the role could not read of the source, which is then not in the models; without
    `tried` nothing was made at all.
    """

    counts: Mapping[str, int]
    lost: tuple[Change, ...] = ()
    reordered: tuple[Address, ...] = ()
    respelled: tuple[Change, ...] = ()
    unreadable: tuple[str, ...] = ()
    tried: bool = True

    @property
    def exact(self) -> bool:
        """Whether everything was read and made, and nothing differs."""
        return self.tried and self.complete

    @property
    def complete(self) -> bool:
        """Whether nothing is known to be missing."""
        return not (self.lost or self.reordered or self.unreadable)

    def __str__(self) -> str:
        numbers = ", ".join(
            f"{number:,} {kind if number == 1 else _PLURALS.get(kind, kind + 's')}"
            for kind in _COUNTED
            if (number := self.counts.get(kind, 0))
        )
        differing = len(self.lost) + len(self.reordered)
        end = f"{differing} could not be kept" if differing else "exact"
        end = end if self.tried else "not proved"
        if self.unreadable:
            end += f", but not read, for want of privileges: {', '.join(self.unreadable)}"
        return f"{numbers or 'nothing'}: {end}"


def unproved(source: Catalog) -> Proof:
    """Return what is known of a source when nothing was made of it."""
    counts = Counter(address.kind for address in source.objects)
    return Proof(counts, unreadable=source.unreadable, tried=False)


def compared(source: Catalog, made: Catalog) -> Proof:
    """Return how a catalog that was made differs from its source."""
    counts = Counter(address.kind for address in source.objects)
    lost, reordered = source.changes_to(made), tuple(_reordered(source, made))
    return Proof(counts, lost, reordered, unreadable=source.unreadable)


def _reordered(source: Catalog, made: Catalog) -> Iterator[Address]:
    from limbeck.schema.catalog.objects.tables import Table  # noqa: PLC0415 - slow, see read()

    for table in source.of(Table):
        other = made.objects.get(table.address)
        if not isinstance(other, Table) or other.columns == table.columns:
            continue
        if sorted(other.columns) == sorted(table.columns):
            yield table.address
