"""A stand-in for Neon: its API over HTTP, its branches as databases of an embedded Postgres."""

from __future__ import annotations
