"""What a database holds, read from Postgres' own catalogs."""

from __future__ import annotations

from limbeck.catalog.catalog import Catalog, Change
from limbeck.catalog.objects import Address

__all__ = ["Address", "Catalog", "Change"]
