"""Where schemas are tried out: scratch databases, the replayed history, the created models."""

from __future__ import annotations
