"""Join several heads with a revision that is proved to be independent of their order."""

from __future__ import annotations

from limbeck.generate.merge import Merge, merge

__all__ = [
    "Merge",
    "merge",
]
