"""Renames."""

from __future__ import annotations
from collections.abc import Sequence
from limbeck.catalog.catalog import Catalog
from limbeck.diff.steps import Step
from limbeck.renames import Rename


def apply(
    before: Catalog, after: Catalog, renames: Sequence[Rename]
) -> tuple[Catalog, tuple[Step, ...]]:
    return before, ()
