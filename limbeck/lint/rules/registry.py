"""All rules, in the order in which they are applied."""

from __future__ import annotations

from limbeck.lint.rules import (
    application,
    between,
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

RULES = (
    *columns.RULES,
    *constraints.RULES,
    *indexes.RULES,
    *tables.RULES,
    *partitions.RULES,
    *renamed.RULES,
    *dropped.RULES,
    *application.RULES,
    *transactions.RULES,
    *between.RULES,
    *data.RULES,
)
"""All rules except the fallbacks of judge, which apply only where none of these explains why."""
