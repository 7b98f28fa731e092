"""The reference application: authors and their books."""

from __future__ import annotations
