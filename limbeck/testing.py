"""Databases for tests: each a copy of one on which the whole history has run.

pytest finds the fixtures by itself; `Copies` serves everything else.
"""

from __future__ import annotations

from limbeck.shadow.testing.copies import Copies

__all__ = ["Copies"]
