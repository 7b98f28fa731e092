"""The recorded history: revision files, their order, and the one door to Alembic's runtime.

Each is imported when it is first used: to name a file in a message needs neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck.lazily import attributes

if TYPE_CHECKING:
    from limbeck.history.history import History
    from limbeck.history.revisions import Revision

__all__ = ["History", "Revision"]

if not TYPE_CHECKING:  # a type checker would take any name for one of them
    __getattr__ = attributes(__name__, {"History": "history", "Revision": "revisions"})
