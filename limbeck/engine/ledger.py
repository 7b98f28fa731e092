"""The ledger: when and by whom revisions were applied to a database, and which are interrupted."""

from __future__ import annotations

import getpass
import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import psycopg
from psycopg.rows import tuple_row

from limbeck.dataclass import dataclass
from limbeck.history import code
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import tenant_of

About: TypeAlias = Mapping[str, Any]

APPLYING: Final = ("upgrade", "stamp", "adopt")
"""The actions after which a revision is applied; the others are downgrade and leave."""

PUSHES: Final = ("push", "unpush")
"""The actions of rows that are about no revision; see `pushes`."""

# Not plain "limbeck": for a role of that name, "$user" would put the schema first in the search
# path. IF NOT EXISTS everywhere, as two first runs may come to the lock one after the other.
CREATE: Final = (
    "CREATE SCHEMA IF NOT EXISTS limbeck_state",
    """CREATE TABLE IF NOT EXISTS limbeck_state.ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    revision text NOT NULL,
    action text NOT NULL,
    message text NOT NULL DEFAULT '',
    started timestamptz NOT NULL DEFAULT now(),
    finished timestamptz,
    steps integer NOT NULL DEFAULT 0,
    doubt text,
    digest text,
    file text,
    sql text,
    role text NOT NULL DEFAULT session_user,
    author text,
    host text,
    application text DEFAULT current_setting('application_name')
)""",
    """CREATE UNIQUE INDEX IF NOT EXISTS ledger_unfinished ON limbeck_state.ledger (revision)
    WHERE finished IS NULL""",
)

CREATE_FOR_TENANTS: Final = (
    "CREATE SCHEMA IF NOT EXISTS limbeck_state",
    """CREATE TABLE IF NOT EXISTS limbeck_state.tenant_ledger (
    tenant text NOT NULL,
    LIKE limbeck_state.ledger INCLUDING DEFAULTS,
    PRIMARY KEY (tenant, id)
)""",
    """CREATE UNIQUE INDEX IF NOT EXISTS tenant_ledger_unfinished
    ON limbeck_state.tenant_ledger (tenant, revision) WHERE finished IS NULL""",
)
"""What a database with tenants has besides, after `CREATE`: one table for the rows of all."""

TABLE: Final = "ledger"
TENANT_TABLE: Final = "tenant_ledger"

_READ: Final = """
SELECT revision, action, message, started, finished, steps, doubt, digest, file,
       CASE WHEN action NOT IN ('push', 'unpush') THEN sql END, -- there all statements, not a hash
       role, author, host, application
FROM {table}{only} ORDER BY id"""

# An id is part of each row, so the sum of their hashes tells their order, too.
_HASH: Final = """
SELECT count(*) || ' ' || coalesce(sum(hash_record_extended(l, 0)), 0)
FROM {table} AS l{only}"""

# Not from the sequence: with wal_level = minimal it may start again after a crash. Two sessions
# cannot take the same id, because a writer holds the migration lock.
_ID: Final = "(SELECT coalesce(max(id), 0) + 1 FROM {table}{only})"

# One unfinished row per revision (the partial unique index): a step updates it.
_STEP: Final = f"""
INSERT INTO {{table}}
    ({{tenant}}id, revision, action, message, steps, doubt, digest, file, author, host)
OVERRIDING SYSTEM VALUE
VALUES ({{value}}{_ID}, %(revision)s, %(action)s, %(message)s, %(steps)s, %(doubt)s, %(digest)s,
        %(file)s, %(author)s, %(host)s)
ON CONFLICT ({{tenant}}revision) WHERE finished IS NULL DO UPDATE SET
    action = excluded.action, steps = excluded.steps, doubt = excluded.doubt,
    digest = excluded.digest, file = excluded.file, author = excluded.author,
    host = excluded.host, role = session_user"""

_FINISH: Final = f"""
INSERT INTO {{table}}
    ({{tenant}}id, revision, action, message, finished, steps, digest, file, sql, author, host)
OVERRIDING SYSTEM VALUE
VALUES ({{value}}{_ID}, %(revision)s, %(action)s, %(message)s, clock_timestamp(), %(steps)s,
        %(digest)s, %(file)s, %(sql)s, %(author)s, %(host)s)"""

_FINISH_BEGUN: Final = """
UPDATE {table} SET
    action = %(action)s, finished = clock_timestamp(), steps = %(steps)s, doubt = NULL,
    digest = %(digest)s, file = %(file)s, sql = %(sql)s, author = %(author)s, host = %(host)s,
    role = session_user
WHERE revision = %(revision)s AND finished IS NULL{own}"""

# Older versions have recorded a hash of the revision's SQL.
_RENEW: Final = """
UPDATE {table} AS l SET sql = new.checksum
FROM unnest(%(revisions)s::text[], %(files)s::text[], %(checksums)s::text[])
    AS new(revision, file, checksum)
WHERE l.revision = new.revision AND l.file = new.file AND l.sql NOT LIKE %(form)s{own}"""

_LEAVE: Final = f"""
INSERT INTO {{table}} ({{tenant}}id, revision, action, finished) OVERRIDING SYSTEM VALUE
VALUES ({{value}}{_ID}, %(revision)s, 'leave', clock_timestamp())"""

_FORGET: Final = "DELETE FROM {table} WHERE revision = %(revision)s AND finished IS NULL{own}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One run of one revision; `finished` is None while it is interrupted.

    `steps` is the number of committed steps, `doubt` the hash of a statement outside of a
    transaction that was begun after them. `digest` is the hash of the statements in these steps,
    `file` that of the revision file's bytes, `sql` that of its code (`history.code`; in rows of
    older versions, of the revision rendered as SQL). `role` is the user in Postgres, `author` the
    user on the machine `host`.
    """

    revision: str
    action: str
    message: str
    started: datetime
    finished: datetime | None
    steps: int
    doubt: str | None
    digest: str | None
    file: str | None
    sql: str | None
    role: str
    author: str | None
    host: str | None
    application: str | None

    @property
    def seconds(self) -> float | None:
        """How long the revision took, from its first attempt to its end."""
        return (self.finished - self.started).total_seconds() if self.finished else None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The entries of a database's ledger, oldest first; `exists` says whether it has one.

    `tenant` is the tenant that they belong to, if any. A `hidden` one may not be read by the role.
    """

    entries: tuple[Entry, ...] = ()
    exists: bool = False
    tenant: str | None = None
    hidden: bool = False

    @property
    def create(self) -> tuple[str, ...]:
        """The statements that create its table."""
        return CREATE if self.tenant is None else (*CREATE, *CREATE_FOR_TENANTS)

    def applied(self) -> dict[str, Entry]:
        """Return the last entry of each revision that is applied."""
        last = {entry.revision: entry for entry in self.entries if entry.finished}
        return {id_: entry for id_, entry in last.items() if entry.action in APPLYING}

    def interrupted(self) -> dict[str, Entry]:
        """Return the entries that were begun and not finished, by revision."""
        return {
            entry.revision: entry
            for entry in self.entries
            if not entry.finished and entry.action not in PUSHES
        }


def read(connection: psycopg.Connection) -> Ledger:
    """Return the ledger of a database; it is empty if there is none, or none that may be read."""
    try:
        return of(asked(connection), tenant_of(connection))
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return Ledger(tenant=tenant_of(connection))
    except psycopg.errors.UndefinedColumn:
        return Ledger(tenant=tenant_of(connection))
    except psycopg.errors.InsufficientPrivilege:
        return Ledger(tenant=tenant_of(connection), hidden=True)


def asked(connection: psycopg.Connection) -> psycopg.Cursor[Entry]:
    """Query the entries; in a pipeline they arrive later."""
    # As text, the times would be spelled as the DateStyle of the database says.
    cursor, tenant = connection.cursor(row_factory=_entry, binary=True), tenant_of(connection)
    return cursor.execute(*_filled(_READ, {}, tenant))


def asked_hash(connection: psycopg.Connection) -> psycopg.Cursor[tuple[str]]:
    """Query a hash of all rows, which the server computes; in a pipeline it arrives later."""
    cursor = connection.cursor(row_factory=tuple_row)
    return cursor.execute(*_filled(_HASH, {}, tenant_of(connection)))


def _entry(_: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], Entry]:
    def make(values: Sequence[Any]) -> Entry:
        # Some hash a time (`backfill.state`): it must not depend on the session's time zone.
        times = [time.astimezone(UTC) if time else None for time in values[3:5]]
        return Entry(*[*values[:3], *times, *values[5:]])

    return make


def of(entries: psycopg.Cursor[Entry], tenant: str | None = None) -> Ledger:
    """Return the ledger that has these entries."""
    return Ledger(tuple(entries.fetchall()), exists=True, tenant=tenant)


def step(about_: About, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the statement that records how far a revision is, with its parameters."""
    return _filled(_STEP, {**about_, "doubt": None, **values}, about_.get("tenant"))


def finish(about_: About, values: Mapping[str, Any], *, begun: bool) -> tuple[str, dict[str, Any]]:
    """Return the statement that records the end of a revision, with its parameters.

    Args:
        about_: what `about` returns.
        values: steps, digest and sql, as in `Entry`; those that are left out are empty.
        begun: whether the revision has an unfinished row, which becomes this one.

    """
    row = {"digest": None, "steps": 0, "sql": None, **about_, **values}
    return _filled(_FINISH_BEGUN if begun else _FINISH, row, about_.get("tenant"))


def forget(revision: str, tenant: str | None = None) -> tuple[str, dict[str, Any]]:
    """Return the statement that deletes the row of an interrupted revision."""
    return _filled(_FORGET, {"revision": revision}, tenant)


def renew(
    checksums: Mapping[Revision, str], tenant: str | None = None
) -> tuple[str, dict[str, Any]]:
    """Return the statement that replaces the checksums of older versions.

    Args:
        checksums: of revisions whose files are as they were applied, by the bytes.
        tenant: whose ledger it is; None for that of the database.

    """
    values = {
        "revisions": [revision.id for revision in checksums],
        "files": [revision.digest for revision in checksums],
        "checksums": list(checksums.values()),
        "form": f"{code.FORM}%",
    }
    return _filled(_RENEW, values, tenant)


def leave(revision: str, tenant: str | None = None) -> tuple[str, dict[str, Any]]:
    """Return the statement that records that a revision without a file is not applied."""
    return _filled(_LEAVE, {"revision": revision}, tenant)


def _filled(
    template: str, values: dict[str, Any], tenant: str | None
) -> tuple[str, dict[str, Any]]:
    """Return a statement about the ledger of a database or of one of its tenants."""
    if tenant is None:
        return _text(template, for_tenant=False), values
    return _text(template, for_tenant=True), {**values, "tenant": tenant}


@cache
def _text(template: str, *, for_tenant: bool) -> str:
    if not for_tenant:
        names = ("limbeck_state.ledger", "", "", "", "")
    else:
        name = f"limbeck_state.{TENANT_TABLE}"
        own = "tenant = %(tenant)s"
        names = (name, "tenant, ", "%(tenant)s, ", f" AND {own}", f" WHERE {own}")
    return template.format(
        **dict(zip(("table", "tenant", "value", "own", "only"), names, strict=True))
    )


def file_hash(path: Path) -> str:
    """Return the hash of a revision file's bytes."""
    status = path.stat()
    return _file_hash(path, status.st_mtime_ns, status.st_size)


@cache
def _file_hash(path: Path, modified: int, size: int) -> str:  # noqa: ARG001 - the cache's key
    return hashlib.sha256(path.read_bytes()).hexdigest()


def half_done(history: History, ledger: Ledger) -> tuple[tuple[Revision, Entry], ...]:
    """Return the revisions whose upgrade was interrupted and that have a file, newest first."""
    begun = ledger.interrupted()
    return tuple(
        (revision, entry)
        for revision in reversed(history.revisions())
        if (entry := begun.get(revision.id)) and entry.action == "upgrade"
    )


def late(history: History, current: Sequence[str], ledger: Ledger) -> tuple[Revision, ...]:
    """Return the revisions below the current ones that never ran, parents first.

    They entered the history below a revision that was applied already, such as by a merge of two
    git branches. Revisions that another tool applied are in no ledger either; but limbeck adopts
    those into the ledger before it runs the first revision of its own.
    """
    written = set(ledger.applied())
    applied = history.applied(current)
    below = {id_ for revision in applied if revision.id in written for id_ in revision.parents}
    for revision in reversed(applied):
        if revision.id in below:
            below |= set(revision.parents)
    missing = below - written
    return tuple(revision for revision in applied if revision.id in missing)


def about(revision: Revision, action: str, tenant: str | None = None) -> About:
    """Return what a row says of a revision and of who runs it.

    Args:
        revision: the revision.
        action: "upgrade", "downgrade", "stamp" or "adopt".
        tenant: where it runs; None for the whole database.

    """
    return {
        **({} if tenant is None else {"tenant": tenant}),
        "revision": revision.id,
        "action": action,
        "message": revision.message,
        "file": revision.digest,
        "author": author(),
        "host": platform.node() or None,
    }


@cache
def author() -> str | None:
    """Return the name of the user on this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None  # a user without a name, as in many containers
