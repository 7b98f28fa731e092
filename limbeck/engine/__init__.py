"""How a revision runs on a database: one step runner, the ledger, the version table."""

from __future__ import annotations
