"""What is dangerous: rules, each one function, judged by what a statement was seen to do."""

from __future__ import annotations

from limbeck.rules import (
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
from limbeck.rules.change import Change, Target
from limbeck.rules.hazard import LEVELS, Finding, Hazard, Level, Rule, Size, blocks, spelt
from limbeck.rules.judge import LONG_WORK, judge

__all__ = [
    "LEVELS",
    "LONG_WORK",
    "RULES",
    "Change",
    "Finding",
    "Hazard",
    "Level",
    "Rule",
    "Size",
    "Target",
    "blocks",
    "judge",
    "spelt",
]

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
