"""The revision files: their order, their content, and how one is written. No connection."""

from __future__ import annotations
