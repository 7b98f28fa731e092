"""How a breaking change is made while the application runs."""

from __future__ import annotations
