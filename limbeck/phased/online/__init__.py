"""Rewrite steps so that no table in use is locked for long."""

from __future__ import annotations
