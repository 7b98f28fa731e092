"""The recorded history: revision files, their order, and the one door to Alembic's runtime.

Each is imported when it is first used: to name a file in a message needs neither.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limbeck.history.history import History
    from limbeck.history.revisions import Revision

__all__ = ["History", "Revision"]

_HOMES = {"History": "history", "Revision": "revisions"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'limbeck.history' has no attribute {name!r}")
    return getattr(import_module(f"limbeck.history.{_HOMES[name]}"), name)
