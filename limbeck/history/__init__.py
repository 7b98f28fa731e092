"""The recorded history: revision files, their order, and the one door to Alembic's runtime."""

from __future__ import annotations

from limbeck.history.history import History
from limbeck.history.revisions import Revision

__all__ = ["History", "Revision"]
