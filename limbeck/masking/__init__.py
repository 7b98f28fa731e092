"""Mask passwords in whatever is shown, logged or raised: statements, connection strings, URLs."""

from __future__ import annotations
