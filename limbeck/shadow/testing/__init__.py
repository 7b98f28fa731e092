"""Databases for tests: each a copy of one on which the whole history has run."""

from __future__ import annotations
