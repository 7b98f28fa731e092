"""What a statement has to know of the change it is part of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from limbeck.catalog.objects import Address
from limbeck.diff.parts import Part, Parts
from limbeck.diff.steps import Step


@dataclass(frozen=True, slots=True)
class Situation:
    """Both sides; what gets created anew; the names of types that were renamed out of the way."""

    before: Parts
    after: Parts
    created: frozenset[Address] = frozenset()
    asides: Mapping[Address, str] = field(default_factory=dict)
    retyped: frozenset[Address] = frozenset()

    def kept(self, address: Address) -> bool:
        """Tell whether what lives at an address was there and stays."""
        return address in self.before and address not in self.created


@dataclass(frozen=True, slots=True)
class Alteration:
    """How to change a part in place; `hard` says that what uses it has to give way meanwhile."""

    steps: tuple[Step, ...] = ()
    hard: bool = False


Members: TypeAlias = Sequence[Part]
Create: TypeAlias = Callable[[Any, Members, Situation], list[Step]]
Drop: TypeAlias = Callable[[Any, Situation], list[Step]]
Alter: TypeAlias = Callable[[Any, Any, Situation], "Alteration | None"]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of part is created, dropped and altered; None from alter: replace it.

    `rank` is the place among the statements that could come next.
    """

    rank: int
    create: Create
    drop: Drop
    alter: Alter


def never(_before: object, _after: object, _situation: Situation) -> Alteration | None:
    """Say that a kind cannot be altered in place."""
    return None
