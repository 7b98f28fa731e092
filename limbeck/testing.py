"""Databases for tests: each a copy of one on which the whole history has run.

pytest finds the fixtures by itself; `Copies` serves everything else. `Migrated` is a
database one revision short of having it, and `MigratedTo` the type of the fixture that makes them.
"""

from __future__ import annotations

from limbeck.shadow.testing.copies import Copies
from limbeck.shadow.testing.migrated import Migrated, MigratedTo

__all__ = ["Copies", "Migrated", "MigratedTo"]
