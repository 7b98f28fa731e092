"""Changes without downtime: expand and contract recipes, backfills, gates, undo."""

from __future__ import annotations
