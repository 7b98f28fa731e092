"""A project: its settings, profiles and URLs, and the way to its code."""

from __future__ import annotations
