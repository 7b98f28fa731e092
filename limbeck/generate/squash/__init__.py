"""Replace several revisions with one that makes the same schema."""

from __future__ import annotations
