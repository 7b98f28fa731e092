"""Everything between a URL and a connection: the guards, the connecting, the migration lock."""

from __future__ import annotations

from limbeck.database.connect import Connection, as_sqlalchemy, connect
from limbeck.database.database import Database
from limbeck.database.lock import migration_lock
from limbeck.database.url import redact

__all__ = ["Connection", "Database", "as_sqlalchemy", "connect", "migration_lock", "redact"]
