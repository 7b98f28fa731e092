"""SQLAlchemy source: written from a catalog, merged into models that exist."""

from __future__ import annotations
