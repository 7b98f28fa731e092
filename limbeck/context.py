"""Where a revision runs: `if limbeck.context.where() == "target"` in a revision file."""

from __future__ import annotations

from limbeck.engine.place import Place, where

__all__ = ["Place", "where"]
