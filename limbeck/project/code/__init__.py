"""Access to the project's Python files: models, hooks, env.py and revisions."""

from __future__ import annotations
