"""Row security and limbeck's own sessions: they see every row of a table, or they fail.

`connect` opens each of them with `row_security = off`, under which Postgres raises an error instead
of leaving rows out silently (manual, "Row Security Policies"). Otherwise a count would be 0, a
backfill verified, and a contract would drop the only column that has the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from limbeck.errors import DatabaseError

HINT: Final = (
    "Connect as a role with BYPASSRLS, or as the owner of the table while it has no "
    "FORCE ROW LEVEL SECURITY."
)
# A function of Postgres' source (utils/misc/rls.c). Its message is translated (lc_messages), and
# its SQLSTATE is that of every missing privilege.
_RAISED_BY: Final = "check_enable_rls"
_ACTIVE: Final = """
SELECT name FROM unnest(%s::text[]) AS name
WHERE to_regclass(name) IS NOT NULL AND row_security_active(to_regclass(name))"""


def is_hidden(error: BaseException | None) -> bool:
    """Return whether Postgres refused a statement because row security would hide rows."""
    return isinstance(error, psycopg.Error) and error.diag.source_function == _RAISED_BY


@contextmanager
def explained(user: str) -> Iterator[None]:
    """Raise DatabaseError, with a hint, where row security would hide rows from a role."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        if not is_hidden(error):
            raise
        raise DatabaseError(
            f"row security hides rows from the role {user}: {error.diag.message_primary}", hint=HINT
        ) from error


def refuse_hidden(connection: psycopg.Connection[Any], tables: Sequence[str]) -> None:
    """Refuse to go on if row security hides rows of one of these tables, given as SQL spells them.

    Raises:
        DatabaseError: it hides rows from the connection's role.

    """
    names = [str(row[0]) for row in connection.execute(_ACTIVE, [list(tables)]).fetchall()]
    if names:
        raise DatabaseError(
            f"row security hides rows of {', '.join(names)} from the role {connection.info.user}; "
            "nothing was done",
            hint=HINT,
        )
