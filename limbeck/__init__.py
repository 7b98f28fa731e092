"""limbeck: schema changes for Postgres, from models to a branch to production.

The public names are here; each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from limbeck.version import __version__ as __version__

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
    from limbeck.errors import LimbeckError
    from limbeck.history.history import History
    from limbeck.history.revisions import Revision
    from limbeck.postgres.connect import connect
    from limbeck.postgres.database import Database
    from limbeck.project.profile import Profile
    from limbeck.project.project import Project
    from limbeck.schema.catalog.catalog import Catalog, Change
    from limbeck.schema.catalog.objects.address import Address

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

_HOMES = {
    "Address": "limbeck.schema.catalog.objects.address",
    "Catalog": "limbeck.schema.catalog.catalog",
    "Change": "limbeck.schema.catalog.catalog",
    "Database": "limbeck.postgres.database",
    "History": "limbeck.history.history",
    "LimbeckError": "limbeck.errors",
    "Profile": "limbeck.project.profile",
    "Project": "limbeck.project.project",
    "Revision": "limbeck.history.revisions",
    "connect": "limbeck.postgres.connect",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in __all__:
        return import_module(f"limbeck.{name}")
    raise AttributeError(f"module 'limbeck' has no attribute {name!r}")
