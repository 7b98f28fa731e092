"""The one way to the user's code: models, hooks and revisions."""

from __future__ import annotations
