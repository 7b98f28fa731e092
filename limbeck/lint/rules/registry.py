"""All rules, in the order in which they are applied."""

from __future__ import annotations

from limbeck.lint.rules import (
    application,
    between,
    casts,
    columns,
    constraints,
    data,
    dropped,
    functions,
    indexes,
    partitions,
    renamed,
    tables,
    transactions,
)

RULES = (
    *columns.RULES,
    *casts.RULES,
    *constraints.RULES,
    *indexes.RULES,
    *tables.RULES,
    *partitions.RULES,
    *renamed.RULES,
    *dropped.RULES,
    *functions.RULES,
    *application.RULES,
    *transactions.RULES,
    *between.RULES,
    *data.RULES,
)
"""All rules except the fallbacks of judge, which apply only where none of these explains why."""
