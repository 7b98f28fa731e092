"""limbeck: schema changes for Postgres, from models to a branch to production.

The public names are here; each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limbeck import (
        backfill,
        errors,
        events,
        generate,
        logs,
        merge,
        migrate,
        pull,
        safety,
        settings,
        sources,
        status,
    )
    from limbeck.catalog.catalog import Catalog, Change
    from limbeck.catalog.objects import Address
    from limbeck.database import Database, connect
    from limbeck.errors import LimbeckError
    from limbeck.history import History, Revision
    from limbeck.settings import Profile, Project

__all__ = [
    "Address",
    "Catalog",
    "Change",
    "Database",
    "History",
    "LimbeckError",
    "Profile",
    "Project",
    "Revision",
    "backfill",
    "connect",
    "errors",
    "events",
    "generate",
    "logs",
    "merge",
    "migrate",
    "pull",
    "safety",
    "settings",
    "sources",
    "status",
]
__version__ = "0.1.0"

_HOMES = {
    "Address": "limbeck.catalog.objects",
    "Catalog": "limbeck.catalog.catalog",
    "Change": "limbeck.catalog.catalog",
    "Database": "limbeck.database",
    "History": "limbeck.history",
    "LimbeckError": "limbeck.errors",
    "Profile": "limbeck.settings",
    "Project": "limbeck.settings",
    "Revision": "limbeck.history",
    "connect": "limbeck.database",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in __all__:
        return import_module(f"limbeck.{name}")
    raise AttributeError(f"module 'limbeck' has no attribute {name!r}")
