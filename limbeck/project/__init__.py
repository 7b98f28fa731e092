"""A project: its settings, profiles and URLs, `init`, and the access to its Python files."""

from __future__ import annotations
