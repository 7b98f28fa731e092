"""Renames: proposed as questions, read from --rename, applied to a catalog."""

from __future__ import annotations
