"""Branches of a Neon project, through Neon's API: one module for each of its nouns."""

from __future__ import annotations
