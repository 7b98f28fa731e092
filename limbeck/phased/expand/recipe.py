"""The base class of recipes: what each contributes to the expand and the contract revision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.diff.steps import Step


class Recipe:
    """One breaking change in two phases; a method not overridden adds nothing to its phase.

    A recipe yields only the steps that a plain diff of two catalogs cannot derive. `composing`
    appends the remaining diff after each phase, so a step that a recipe omits still runs, if less
    gently, and the final schema is exactly that of the plain change.
    """

    __slots__ = ()

    @property
    def uses(self) -> tuple[str, ...]:
        """The qualified names that the contract removes."""
        return ()

    def covers(self, step: Step) -> bool:
        """Return whether the recipe replaces this step of the plain change."""
        raise NotImplementedError

    def validate(self, before: Catalog) -> Sequence[str]:
        """Return the reasons why the change cannot be phased; empty if it can."""
        del before
        return ()

    def expand(self, before: Catalog) -> Iterable[Step]:
        """Return the steps that create the new structure, after the harmless plain steps."""
        raise NotImplementedError

    def backfill(self) -> Sequence[Backfill]:
        """Return the backfills of rows that existed before the expand."""
        return ()

    def contract(self, middle: Catalog, after: Catalog) -> Iterable[Step]:
        """Return the first steps of the contract; the plain diff follows."""
        del middle, after
        return ()

    def switch(self) -> Iterable[Step]:
        """Return the steps of the contract that share a transaction with the renames it covers.

        They end the second name of an object, and come after the slow steps of all recipes.
        """
        return ()

    def rollback(self, middle: Catalog, after: Catalog) -> Iterable[Step]:
        """Return the first steps of the contract's downgrade; the plain diff follows."""
        del middle, after
        return ()
