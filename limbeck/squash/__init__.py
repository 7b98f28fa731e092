"""Replace several revisions by one that comes to the same."""

from __future__ import annotations

from limbeck.squash.squash import Squash, squash

__all__ = ["Squash", "squash"]
