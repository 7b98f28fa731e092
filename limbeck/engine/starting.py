"""Read in one round trip where a database stands, to run the same statements on all that are alike.

Two databases with equal starting points get the same plan, and the engine sends the same
statements to both (`recording`). The fleet asks thousands of databases this way: the ledger is
hashed by the server, because its rows are many and none of them is needed here.
"""

from __future__ import annotations

import hashlib
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.rows import tuple_row

from limbeck.dataclass import dataclass
from limbeck.engine import ledger, state, version_table
from limbeck.engine.version_table import FALLBACK, USUAL, VersionTable
from limbeck.postgres.connect import Session

if TYPE_CHECKING:
    from limbeck.engine.ledger import Ledger

# What a plan rests on: not who ran a revision, and not when.
_DIGEST: Final = """
SELECT encode(sha256(convert_to(coalesce(string_agg(concat_ws(
    ' ', revision, action, steps, doubt, file, sql), ',' ORDER BY id), ''), 'UTF8')), 'hex'),
  coalesce(array_agg(revision) FILTER (WHERE finished IS NULL), '{}'),
  coalesce(bool_or(action IN ('push', 'unpush')), false)
FROM limbeck_state.ledger"""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a database stands before a run.

    Args:
        recorded: The rows of its version table.
        digest: A hash of what its ledger says of revisions; None without a ledger.
        interrupted: The revisions that were begun and not finished.
        pushed: Whether something was ever pushed to it.
        writable: Whether the role may write the ledger, or create it.
        major: The major version of its server.
        schema: Where new objects go.
        table: The version table, with its schema.
        session: The state of the session that was asked.
        contents: A hash of its catalog, where the plan depends on that, too.

    """

    recorded: tuple[str, ...]
    digest: str | None
    interrupted: tuple[str, ...]
    pushed: bool
    writable: bool
    major: int
    schema: str | None
    table: VersionTable
    session: Session = field(repr=False, compare=False)
    contents: str = ""

    @property
    def key(self) -> str:
        """A short hash: databases with the same one are alike."""
        fields = (self.recorded, self.digest, self.interrupted, self.writable, self.major)
        text = repr((*fields, self.schema, tuple(self.table), self.contents))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def is_usual(self) -> bool:
        """Whether no run was interrupted there, and nothing was pushed."""
        return not (self.interrupted or self.pushed)


def read(connection: psycopg.Connection[Any], table: VersionTable = USUAL) -> Start:
    """Return where a database stands.

    Args:
        connection: to the database.
        table: its version table.

    Raises:
        DatabaseError: the role may not read the version table.

    """
    about = {"quoted": table.quoted.as_string(), "bare": table.schema is None, "name": table.name}
    about["ledger"] = ledger.TABLE
    try:
        with connection.pipeline():
            there = connection.cursor(row_factory=tuple_row).execute(state.THERE.encode(), about)
            rows = version_table.asked(connection, table)
            digest = connection.cursor(row_factory=tuple_row).execute(_DIGEST.encode())
        (row,), (entries,) = there.fetchall(), digest.fetchall()
        recorded = version_table.ids(rows)
    except psycopg.Error:
        # A table is missing, as before the first revision.
        if connection.closed:
            raise
        connection.rollback()
        return _step_by_step(connection, table)
    schema, _, writable, _, *session = row
    where = Session.read(session)
    table = table._replace(schema=schema or table.schema or where.schema or FALLBACK)
    hash_, interrupted, pushed = entries
    return Start(
        recorded=recorded,
        digest=str(hash_),
        interrupted=tuple(sorted(interrupted)),
        pushed=bool(pushed),
        writable=bool(writable),
        major=_major(connection),
        schema=where.schema,
        table=table,
        session=where,
    )


def _step_by_step(connection: psycopg.Connection[Any], table: VersionTable) -> Start:
    start = state.read(connection, table)
    return Start(
        recorded=start.recorded,
        digest=_digest(start.ledger) if start.ledger.exists else None,
        interrupted=tuple(sorted(start.ledger.interrupted())),
        pushed=any(entry.action in {"push", "unpush"} for entry in start.ledger.entries),
        writable=start.writable,
        major=_major(connection),
        schema=start.session.schema,
        table=start.table,
        session=start.session,
    )


def _digest(entries: Ledger) -> str:
    """Return the hash that the server computes, of rows that were read."""
    texts = []
    for each in entries.entries:
        fields = (each.revision, each.action, each.steps, each.doubt, each.file, each.sql)
        texts.append(" ".join(str(field) for field in fields if field is not None))
    return hashlib.sha256(",".join(texts).encode()).hexdigest()


def _major(connection: psycopg.Connection[Any]) -> int:
    return connection.info.server_version // 10000
