"""From one catalog to another: what has to happen, in order."""

from __future__ import annotations
