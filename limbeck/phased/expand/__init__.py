"""The expand and contract revisions of a breaking change: one recipe a module."""

from __future__ import annotations
