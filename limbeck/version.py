"""The version of limbeck."""

from __future__ import annotations

__version__ = "0.1.0"
