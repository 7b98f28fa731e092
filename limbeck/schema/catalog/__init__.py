"""What a database holds, read from Postgres' own catalogs."""

from __future__ import annotations
