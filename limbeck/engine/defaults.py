"""Bring a session back to the connection's own defaults, so that no revision decides for the next.

`SET`, `SET ROLE` and `set_config` of a revision end with it: one that runs alone and one that runs
after others in the same session do the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from psycopg import sql

from limbeck.engine.batch import Statement

if TYPE_CHECKING:
    from limbeck.engine.remote_connection import RemoteConnection

# RESET ALL leaves the role and the session's user alone.
_RESET: Final = ("RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL")

_READ: Final = "SELECT name, current_setting(name) FROM pg_settings WHERE source = 'session'"
_ROLE: Final = "SELECT current_setting('role')"


def resets(settings: Sequence[tuple[str, str]], role: str = "none") -> tuple[Statement, ...]:
    """Return the statements that undo what a revision has set.

    Args:
        settings: what was set in the session before the first revision, by limbeck or by env.py:
            names with their values.
        role: the role that env.py has chosen.

    """
    statements = [Statement(text) for text in _RESET]
    calls = [
        sql.SQL("set_config({}, {}, false)").format(*map(sql.Literal, each)) for each in settings
    ]
    if role != "none":
        calls.append(sql.SQL("set_config('role', {}, false)").format(sql.Literal(role)))
    if calls:
        query = sql.SQL("SELECT {}").format(sql.SQL(", ").join(calls))
        statements.append(Statement(query.as_string()))
    return tuple(statements)


def of_worker(connection: RemoteConnection) -> tuple[Statement, ...]:
    """Return the resets of a worker's session, as env.py and limbeck have left it."""
    settings = [(str(name), str(value)) for name, value in connection.execute(_READ).fetchall()]
    ((role,),) = connection.execute(_ROLE).fetchall()
    return resets(settings, str(role))
