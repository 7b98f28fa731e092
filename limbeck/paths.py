"""Paths as messages say them."""

from __future__ import annotations

from pathlib import Path


def shown(path: Path) -> str:
    """Return a path as a reader of messages wants it: from the working folder where possible."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
