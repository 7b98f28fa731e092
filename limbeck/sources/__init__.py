"""Where a schema can be read from: the models, the recorded history, a live database.

Each is imported when it is first used: what is known already needs none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck.lazily import attributes

if TYPE_CHECKING:
    from limbeck.sources.models import Models
    from limbeck.sources.replay import Replay
    from limbeck.sources.shadow import Shadow
    from limbeck.sources.source import Live, Source, parse

__all__ = ["Live", "Models", "Replay", "Shadow", "Source", "parse"]

if not TYPE_CHECKING:  # a type checker would take any name for one of them
    __getattr__ = attributes(
        __name__,
        {
            "Live": "source",
            "Models": "models",
            "Replay": "replay",
            "Shadow": "shadow",
            "Source": "source",
            "parse": "source",
        },
    )
