"""Takes fixes away, so that a test can see whether the state machine misses them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from limbeck.phased.expand import switching
from limbeck.phased.gates import conditions
from limbeck.phased.online import spans
from limbeck.schema.diff import recreated, units
from limbeck.schema.diff.fates import Fates
from tests.postgres import passages

if TYPE_CHECKING:
    import pytest

    from limbeck.phased.expand.recipe import Recipe
    from limbeck.schema.diff.steps import Step
    from tests.postgres.machine import Places


def only_one_order(patch: pytest.MonkeyPatch) -> None:
    """Try no other order of steps after the one of the recipes."""
    patch.setattr(passages, "others", lambda *_: iter(()))


def policies_apart(patch: pytest.MonkeyPatch, _: Places) -> None:
    """Let commits split policies, row security and privileges, and what one table is altered in."""
    patch.setattr(units, "_secured", lambda *_: None)
    patch.setattr(Fates, "table", lambda *_: None)
    only_one_order(patch)


def values_apart(patch: pytest.MonkeyPatch, _: Places) -> None:
    """Let commits split what fills a column from what fills it afterwards."""
    patch.setattr(units, "_filled", lambda *_: None)
    only_one_order(patch)


def names_apart(patch: pytest.MonkeyPatch, _: Places) -> None:
    """Let a contract commit the end of a second name before the rename."""

    def switched(recipes: Sequence[Recipe], rest: Sequence[Step]) -> Iterator[Step]:
        yield from (step for recipe in recipes for step in recipe.switch())
        yield from rest

    patch.setattr(switching, "switched", switched)
    patch.setattr(spans, "_names", lambda _: iter(()))
    only_one_order(patch)


def fooled(patch: pytest.MonkeyPatch, places: Places) -> None:
    """Let row security leave out rows silently in the sessions of limbeck."""
    database = dataclasses.replace(places.live.database, row_security=None)
    patch.setattr(places.live, "database", database)
    patch.setattr(conditions, "refuse_hidden", lambda *_: None)


def forgetful(patch: pytest.MonkeyPatch, _: Places) -> None:
    """Restore nothing of what only a target has."""
    patch.setattr(recreated, "preserving", lambda steps, *_: tuple(steps))
