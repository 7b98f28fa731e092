"""A catalog as the source of new modules."""

from __future__ import annotations
