"""Replace several revisions with one that makes the same schema: `limbeck squash`."""

from __future__ import annotations
