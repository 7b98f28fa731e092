"""The table of all rules, in the order in which they are asked."""

from __future__ import annotations

from limbeck.lint.rules import (
    application,
    columns,
    constraints,
    data,
    dropped,
    indexes,
    partitions,
    renamed,
    tables,
    transactions,
)
from limbeck.lint.rules.hazard import Rule

RULES: tuple[Rule, ...] = tuple(
    found
    for module in (
        columns,
        constraints,
        indexes,
        tables,
        partitions,
        renamed,
        dropped,
        application,
        transactions,
        data,
    )
    for found in vars(module).values()
    if isinstance(found, Rule)
)
"""All rules but those that speak only where none of them does."""
