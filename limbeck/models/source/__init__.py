"""Catalog objects as SQLAlchemy expressions, exact or not at all."""

from __future__ import annotations
