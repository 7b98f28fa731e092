"""What a database holds: read from Postgres' own catalogs, as values that can be compared."""

from __future__ import annotations
