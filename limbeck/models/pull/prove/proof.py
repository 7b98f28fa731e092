"""The proof of pulled models: how the schema that they create differs from its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.catalog import Catalog, Change
from limbeck.schema.catalog.objects.address import Address

# The kinds that the summary of a proof counts.
_COUNTED = ("table", "column", "constraint", "index", "view", "function", "trigger", "enum")
_PLURALS = {"index": "indexes"}


@dataclass(frozen=True, slots=True)
class Proof:
    """The comparison of the schema that models create with the source.

    `counts` counts the source's objects by kind; `lost` are the differences, from the source;
    `reordered` the tables whose columns have another order; `respelled` the definitions that
    Postgres spells in another way each time it reads them, which is no difference; `unreadable`
    names what the role could not read, which is missing in the models. `tried` is False if the
    models were not created at all.
    """

    counts: Mapping[str, int]
    lost: tuple[Change, ...] = ()
    reordered: tuple[Address, ...] = ()
    respelled: tuple[Change, ...] = ()
    unreadable: tuple[str, ...] = ()
    tried: bool = True

    @property
    def exact(self) -> bool:
        """Whether everything was read and created, and nothing differs."""
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
        end = (
            f"{differing} differ"
            if differing > 1
            else f"{differing} differs"
            if differing
            else "exact"
        )
        end = end if self.tried else "not proved"
        if self.unreadable:
            end += f", but not read for lack of privileges: {', '.join(self.unreadable)}"
        return f"{numbers or 'nothing'}: {end}"


def unproved(source: Catalog) -> Proof:
    """Return the proof of models that were not created."""
    counts = Counter(address.kind for address in source.objects)
    return Proof(counts, unreadable=source.unreadable, tried=False)


def compared(source: Catalog, created: Catalog) -> Proof:
    """Return how the catalog of the created models differs from the source."""
    counts = Counter(address.kind for address in source.objects)
    lost, reordered = source.changes_to(created), tuple(_reordered(source, created))
    return Proof(counts, lost, reordered, unreadable=source.unreadable)


def _reordered(source: Catalog, created: Catalog) -> Iterator[Address]:
    from limbeck.schema.catalog.objects.tables import Table  # noqa: PLC0415 - slow, see read()

    for table in source.of(Table):
        other = created.objects.get(table.address)
        if not isinstance(other, Table) or other.columns == table.columns:
            continue
        if sorted(other.columns) == sorted(table.columns):
            yield table.address
