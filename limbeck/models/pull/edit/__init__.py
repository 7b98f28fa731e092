"""A difference as edits of the modules that exist."""

from __future__ import annotations
