"""From one catalog to another: what has to happen, in order."""

from __future__ import annotations

from limbeck.diff.plan import steps
from limbeck.diff.script import script, transactions

__all__ = ["script", "steps", "transactions"]
