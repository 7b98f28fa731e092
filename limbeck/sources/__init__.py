"""Where a schema can be read from: the models, the recorded history, a live database.

Each is imported when it is first used: what is known already needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limbeck.sources.models import Models
    from limbeck.sources.replay import Replay
    from limbeck.sources.shadow import Shadow
    from limbeck.sources.source import Live, Source, parse

__all__ = ["Live", "Models", "Replay", "Shadow", "Source", "parse"]

_HOMES = {
    "Live": "source",
    "Models": "models",
    "Replay": "replay",
    "Shadow": "shadow",
    "Source": "source",
    "parse": "source",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'limbeck.sources' has no attribute {name!r}")
    return getattr(import_module(f"limbeck.sources.{_HOMES[name]}"), name)
