"""Databases for tests: each a copy of one on which the whole history has run.

For pytest there are fixtures, found by themselves; `Copies` is for everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limbeck.testing.copies import Copies

__all__ = ["Copies"]


def __getattr__(name: str) -> Any:
    # pytest imports this package at every start, for the sake of its fixtures.
    if name in __all__:
        from limbeck.testing import copies  # noqa: PLC0415 - as said above

        return getattr(copies, name)
    raise AttributeError(f"module 'limbeck.testing' has no attribute {name!r}")
