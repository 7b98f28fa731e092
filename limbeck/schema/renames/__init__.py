"""Renames: proposed, answered, and applied to a catalog."""

from __future__ import annotations
