"""Revision files that were written, as text and as JSON."""

from __future__ import annotations

from typing import Any

from limbeck.history.revisions import shown
from limbeck.merge import Merge


def merge_text(made: Merge) -> str:
    """Return which heads are joined, and by which file."""
    heads = " and ".join(str(one) for one in made.heads)
    return f"Joined {heads}: both orders make the same schema.\n{shown(made.path)}"


def merge_data(made: Merge) -> dict[str, Any]:
    """Return the same for JSON."""
    return {
        "path": shown(made.path),
        "heads": [{"id": one.id, "message": one.message} for one in made.heads],
    }
