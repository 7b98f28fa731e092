"""Backfill the rows of an expanded change in small batches while the application runs."""

from __future__ import annotations
