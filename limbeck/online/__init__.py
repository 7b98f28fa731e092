"""The same change in steps that let the application go on: short locks, one table at a time."""

from __future__ import annotations

from limbeck.online.online import steps

__all__ = ["steps"]
