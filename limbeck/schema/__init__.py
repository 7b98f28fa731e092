"""What a database holds, and what turns one schema into another."""

from __future__ import annotations
