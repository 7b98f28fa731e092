"""limbeck: schema changes for Postgres, from models to a branch to production."""

from __future__ import annotations
