"""The schemas that belong to limbeck, to Postgres or to Neon, and never to the user."""

from __future__ import annotations

from typing import Final

from limbeck.schema.sql.quoting import literal

STATE: Final = "limbeck_state"
"""Where the ledger, the backfills and the snapshots of undo are kept."""
OF_OTHERS: Final = ("information_schema", "neon_auth", STATE)
"""Beside pg_catalog, pg_toast and temporary schemas, which all begin with pg_."""


def of_users(column: str) -> str:
    """Return the condition that a column names a schema of the user's.

    It has no percent sign, so that it may stand beside the parameters of a query.
    """
    names = ", ".join(literal(name) for name in OF_OTHERS)
    return f"{column} !~ '^pg_' AND {column} NOT IN ({names})"
