"""Where a schema can be read from: the models, the recorded history, a live database."""

from __future__ import annotations

from limbeck.sources.models import Models
from limbeck.sources.replay import Replay
from limbeck.sources.shadow import Shadow
from limbeck.sources.source import Live, Source, parse

__all__ = ["Live", "Models", "Replay", "Shadow", "Source", "parse"]
