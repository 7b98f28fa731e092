"""Steps rewritten so that they hold no strong lock for long."""

from __future__ import annotations
