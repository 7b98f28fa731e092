"""What every recipe for a change without downtime can say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.diff.steps import Step


class Recipe(Protocol):
    """One breaking change in phases.

    A recipe only says what a plain difference of two catalogs cannot: what is written out here is
    followed by the difference that is left. So whatever it forgets is still done, if less gently,
    and the end is exactly the plain change's.
    """

    @property
    def uses(self) -> tuple[str, ...]:
        """The whole names of what the contract takes away."""

    def covers(self, step: Step) -> bool:
        """Tell whether a step of the plain change is this recipe's, and so waits for its phase."""

    def validate(self, before: Catalog) -> Sequence[str]:
        """Return in words why the change cannot be made in phases; nothing where it can."""

    def expand(self, before: Catalog) -> Iterable[Step]:
        """Return what stands beside the old structure, after the steps that break nothing."""

    def backfill(self) -> Sequence[Backfill]:
        """Return what rows that were there before have to be given."""

    def contract(self, middle: Catalog, after: Catalog) -> Iterable[Step]:
        """Return what the contract begins with, before the plain difference."""

    def rollback(self, middle: Catalog, after: Catalog) -> Iterable[Step]:
        """Return what leads from the end back to both, before the plain difference."""
