"""Likely renames: pairs of an object that disappears and a similar one that appears."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.schemas import Schema
from limbeck.schema.catalog.objects.sequences import Sequence as SequenceObject
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Policy
from limbeck.schema.catalog.objects.types import Composite, Domain, Enum
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.renames.move import moved, names_of
from limbeck.schema.renames.rename import Rename
from limbeck.schema.renames.tokens import Names, alike
from limbeck.shell import command

# The likeness from which a pair is worth a question. Chosen so that a renamed column of the same
# type is always asked about, and two columns of a type with nothing else in common are not.
THRESHOLD = 0.55
# The likeness from which an object is among the candidates of such a question. Two columns of alike
# types have it, whatever their names are.
POSSIBLE = 0.4
# How much likelier than the next the first candidate has to be, to be the usual answer.
CLEAR = 0.15
MOST = 8
"""How many candidates a question has."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A possible rename; `likeness` is between 0 and 1."""

    rename: Rename
    likeness: float

    @property
    def flag(self) -> str:
        """The option that confirms the rename."""
        return command("--rename", self.rename)


@dataclass(frozen=True, slots=True)
class Question:
    """What became of an object that is gone: one of the candidates, best first, or nothing.

    `clear` is whether the first one is far likelier than the others, and is nobody else's best.
    """

    before: Address
    candidates: tuple[Proposal, ...]
    clear: bool


def questions(
    before: Catalog, after: Catalog, answered: Sequence[Rename] = ()
) -> tuple[Question, ...]:
    """Return what to ask about renames, outer objects first.

    An object that is gone is asked about if one of the new ones is likely to be its successor.
    Columns are compared within tables that are on both sides. Call it again after each answer: a
    renamed table changes what its columns look like.

    Args:
        before: The catalog before the change.
        after: The catalog after it.
        answered: The confirmed renames.

    """
    for rename in answered:
        before = moved(before, rename)
    groups: dict[Address, list[Proposal]] = {}
    for pair in _sorted(_pairs(before, after, names_of(answered))):
        groups.setdefault(pair.rename.before, []).append(pair)
    groups = {at: pairs for at, pairs in groups.items() if pairs[0].likeness >= THRESHOLD}
    kinds = list(LIKENESS)
    return tuple(
        Question(at, tuple(pairs[:MOST]), _clear(pairs, groups))
        for at, pairs in sorted(
            groups.items(), key=lambda each: (kinds.index(_type(each[1][0], before)), each[0])
        )
    )


def _sorted(pairs: Iterable[Proposal]) -> list[Proposal]:
    return sorted(pairs, key=lambda p: (-p.likeness, p.rename.before, p.rename.after))


def _clear(pairs: Sequence[Proposal], groups: Mapping[Address, Sequence[Proposal]]) -> bool:
    best = pairs[0]
    rivals = [
        pair.likeness
        for others in groups.values()
        for pair in others
        if pair is not best
        and (pair.rename.before == best.rename.before or pair.rename.after == best.rename.after)
    ]
    return best.likeness - max(rivals, default=0) >= CLEAR


def _type(proposal: Proposal, catalog: Catalog) -> type[Object]:
    """Return the class of the object that a proposal is about."""
    address = proposal.rename.before
    return type(catalog.objects.get(address) or catalog.objects[address._replace(part="")])


def _pairs(before: Catalog, after: Catalog, names: Names) -> Iterator[Proposal]:
    changes = before.changes_to(after)
    gone = [change.before for change in changes if change.before and not change.after]
    new = [change.after for change in changes if change.after and not change.before]
    for cls, likeness in LIKENESS.items():
        olds = [item for item in gone if isinstance(item, cls)]
        news = [item for item in new if isinstance(item, cls)]
        for old in olds:
            for appeared in news:
                if (value := likeness(old, appeared, before, after, names)) >= POSSIBLE:
                    rename = Rename(old.address.kind, old.address, appeared.address)
                    yield Proposal(rename, round(value, 2))
    yield from _labels(before, after)


def _labels(before: Catalog, after: Catalog) -> Iterator[Proposal]:
    """Pair removed labels of an enum with new ones at the same place."""
    for old in before.every(Enum):
        at, new = old.address, after.objects.get(old.address)
        if not isinstance(new, Enum):
            continue
        for place, label in enumerate(old.labels[: len(new.labels)]):
            other = new.labels[place]
            if label not in new.labels and other not in old.labels:
                ends = (at._replace(part=label), at._replace(part=other))
                yield Proposal(Rename("enum", *ends), round(0.6 + 0.4 * _named(label, other), 2))


def _named(old: str, new: str) -> float:
    return SequenceMatcher(None, old.lower(), new.lower()).ratio()


def _shared(old: Iterable[object], new: Iterable[object]) -> float:
    first, second = set(old), set(new)
    return len(first & second) / len(first | second) if first | second else 1.0


def _names(old: Any, new: Any) -> float:
    same_schema = getattr(old, "schema", "") == getattr(new, "schema", "")
    return 0.8 * _named(old.name, new.name) + (0.2 if same_schema else 0)


def _tables(old: Table, new: Table, before: Catalog, after: Catalog, _: Names) -> float:
    if old.kind != new.kind:
        return 0
    first, second = list(_columns(old, before)), list(_columns(new, after))
    size = max(len(first), len(second))
    same = len(set(first) & set(second))
    placed = zip(first, second, strict=False)
    alike_ = sum(left[1] == right[1] and left != right for left, right in placed)
    return 0.7 * min(1, (same + 0.5 * alike_) / size if size else 1) + 0.3 * _names(old, new)


def _columns(table: Table, catalog: Catalog) -> Iterator[tuple[str, str]]:
    for name in table.columns:
        column = catalog.objects.get(Address("column", table.schema, table.name, name))
        if isinstance(column, Column):
            yield column.name, column.type


def _column(old: Column, new: Column, _: Catalog, __: Catalog, names: Names) -> float:
    if (old.schema, old.table) != (new.schema, new.table) or new.inherited:
        return 0
    if not alike(old.type, new.type, names) or bool(old.generated) != bool(new.generated):
        return 0.5 * _named(old.name, new.name)
    same = replace(old, name=new.name, comment=new.comment, not_null=new.not_null) == new
    place = 0.1 if old.position == new.position else 0
    comment = 0.1 if old.comment and old.comment == new.comment else 0
    alike_ = 0.4 + place + comment + (0.15 if same else 0) + 0.35 * _named(old.name, new.name)
    return min(alike_, 1)


def _within(old: Any, new: Any, _: Catalog, __: Catalog, ___: Names) -> float:
    """Compare parts of a table by all of their fields but name and comment."""
    if (old.schema, old.table) != (new.schema, new.table) or getattr(new, "inherited", False):
        return 0
    plain = replace(old, name=new.name, comment=new.comment)
    return (0.6 if plain == new else 0) + 0.4 * _named(old.name, new.name)


def _alone(old: Any, new: Any, _: Catalog, __: Catalog, ___: Names) -> float:
    """Compare objects by all of their fields but schema, name and comment."""
    plain = replace(old, schema=new.schema, name=new.name, comment=new.comment)
    return (0.6 if plain == new else 0) + 0.4 * _names(old, new)


def _enums(old: Enum, new: Enum, _: Catalog, __: Catalog, ___: Names) -> float:
    return 0.7 * _shared(old.labels, new.labels) + 0.3 * _names(old, new)


def _schemas(old: Schema, new: Schema, before: Catalog, after: Catalog, _: Names) -> float:
    inside = [
        {(a.kind, a.name, a.part) for a in catalog.objects if a.schema == schema.name}
        for catalog, schema in ((before, old), (after, new))
    ]
    if not all(inside):
        return 0.9 * _named(old.name, new.name)
    return 0.7 * _shared(*inside) + 0.3 * _named(old.name, new.name)


LIKENESS: dict[type[Object], Callable[[Any, Any, Catalog, Catalog, Names], float]] = {
    Schema: _schemas,
    Table: _tables,
    View: _alone,
    SequenceObject: _alone,
    Enum: _enums,
    Domain: _alone,
    Composite: _alone,
    Column: _column,
    Policy: _within,
}
