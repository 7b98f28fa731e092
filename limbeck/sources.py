"""Where a schema can be read from: the models, the recorded history, a live database."""

from __future__ import annotations

from limbeck.shadow.models import Models
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow
from limbeck.shadow.source import Live, Source, parse

__all__ = [
    "Live",
    "Models",
    "Replay",
    "Shadow",
    "Source",
    "parse",
]
