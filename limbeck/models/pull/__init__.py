"""A live schema as SQLAlchemy models: rendered, merged into existing ones, proved."""

from __future__ import annotations
