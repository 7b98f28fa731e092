"""Read the version rows and the ledger of a database, in at most two round trips."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import psycopg
from psycopg.rows import tuple_row

from limbeck.dataclass import dataclass
from limbeck.engine import ledger, version_table
from limbeck.engine.ledger import Ledger
from limbeck.engine.version_table import FALLBACK, USUAL, VersionTable
from limbeck.postgres.connect import SESSION, Session, tenant_of
from limbeck.schema.sql.own_schemas import STATE

# Which tables exist is asked first: in a pipeline, an error would discard the other results too.
THERE: Final = f"""
SELECT (SELECT nspname FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
    WHERE c.oid = coalesce(to_regclass(%(quoted)s), (SELECT c.oid FROM pg_class c
      JOIN pg_namespace p ON p.oid = c.relnamespace
      WHERE %(bare)s AND p.nspname = '{FALLBACK}' AND c.relname = %(name)s))),
  coalesce((SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
    FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = %(ledger)s), false),
  CASE WHEN n.oid IS NULL THEN has_database_privilege(current_database(), 'CREATE')
    ELSE has_schema_privilege(n.oid, 'USAGE') AND coalesce(
      (SELECT has_table_privilege(c.oid, 'INSERT, UPDATE')
        FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = %(ledger)s),
      has_schema_privilege(n.oid, 'CREATE')) END,
  txid_snapshot_xmax(txid_current_snapshot()),
  {SESSION}
FROM (SELECT (SELECT oid FROM pg_namespace WHERE nspname = '{STATE}') AS oid) AS n"""

_SESSION: Final = f"SELECT {SESSION}".encode()


@dataclass(frozen=True, slots=True)
class State:
    """The version rows, whether a file has them or not, and the ledger.

    `writable` says whether the role may write the ledger, or create it. `next_transaction` is the
    id (with its epoch) of the first transaction that begins after the state was read. `session`
    has what SQLAlchemy would otherwise query in round trips of its own. `table` is the version
    table, with its schema. `hash` is that of the ledger's rows, if it was asked for.
    """

    recorded: tuple[str, ...]
    ledger: Ledger
    writable: bool
    next_transaction: int
    session: Session
    table: VersionTable = USUAL
    hash: str | None = None


class Brief(NamedTuple):
    """The version rows, a hash of the ledger's rows, and the session; see `State`."""

    recorded: tuple[str, ...]
    hash: str
    session: Session


def read(
    connection: psycopg.Connection[Any], table: VersionTable = USUAL, *, hashed: bool = False
) -> State:
    """Return the state of a database; a missing table is an empty one.

    Args:
        connection: to the database.
        table: its version table.
        hashed: ask for the hash of the ledger's rows, too.

    Raises:
        DatabaseError: the role may not read the version table.

    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        about = {"quoted": table.quoted.as_string(), "bare": table.schema is None}
        own = ledger.TABLE if tenant_of(connection) is None else ledger.TENANT_TABLE
        (row,) = cursor.execute(THERE, {**about, "name": table.name, "ledger": own}).fetchall()
    schema, has_ledger, writable, next_transaction, *session = row
    has_versions, where = schema is not None, Session.read(session)
    # From now on by its schema: a revision may change the search path, or the role.
    table = table._replace(schema=schema or table.schema or where.schema or FALLBACK)
    hash_: str | None = None
    if has_versions and has_ledger and (both := _both(connection, table, hashed=hashed)):
        recorded, entries, hash_ = both
    else:
        recorded = version_table.recorded(connection, table) if has_versions else ()
        entries = ledger.read(connection) if has_ledger else Ledger(tenant=tenant_of(connection))
    return State(recorded, entries, bool(writable), next_transaction, where, table, hash_)


def rows(
    connection: psycopg.Connection[Any], table: VersionTable = USUAL
) -> tuple[tuple[str, ...], Ledger]:
    """Read the version rows and the ledger in one round trip, where both can be read.

    Args:
        connection: to the database.
        table: its version table.

    Raises:
        DatabaseError: the role may not read the version table.

    """
    if both := _both(connection, table, hashed=False):
        return both[:2]
    return version_table.recorded(connection, table), ledger.read(connection)


def brief(connection: psycopg.Connection[Any], table: VersionTable) -> Brief | None:
    """Read in one round trip what tells whether a database is in a known state.

    Args:
        connection: to the database.
        table: its version table.

    Returns:
        None where a table is missing, or cannot be read.

    """
    try:
        with connection.pipeline():
            session = connection.cursor(row_factory=tuple_row).execute(_SESSION)
            rows, hash_ = version_table.asked(connection, table), ledger.asked_hash(connection)
        (row,), ((value,),) = session.fetchall(), hash_.fetchall()
        return Brief(version_table.ids(rows), value, Session.read(row))
    except psycopg.Error as error:
        # Another attempt would wait for the same lock again.
        if connection.closed or isinstance(error, psycopg.OperationalError):
            raise
        connection.rollback()
        return None


def _both(
    connection: psycopg.Connection[Any], table: VersionTable, *, hashed: bool
) -> tuple[tuple[str, ...], Ledger, str | None] | None:
    """Read both tables in one round trip; None if one cannot be read, for a separate attempt."""
    if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        return None
    try:
        with connection.pipeline():
            # Before the rows: of rows that are written meanwhile, the hash is no longer that.
            hash_ = ledger.asked_hash(connection) if hashed else None
            rows, entries = version_table.asked(connection, table), ledger.asked(connection)
        return (
            version_table.ids(rows),
            ledger.of(entries, tenant_of(connection)),
            hash_.fetchall()[0][0] if hash_ else None,
        )
    except psycopg.Error as error:
        # Another attempt would wait for the same lock again.
        if connection.closed or isinstance(error, psycopg.OperationalError):
            raise
        connection.rollback()
        return None
