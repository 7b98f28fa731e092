"""What a session holds and has done so far: its locks, its counters and its settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from limbeck.lint.trace.statement import MODES, Activity, strength

if TYPE_CHECKING:
    import psycopg

# Oids from 16384 on are of user objects (FirstNormalObjectId, src/include/access/transam.h), those
# after the newest existing relation of new ones, of which a revision may create thousands. The
# second half finds the relations that this transaction has dropped: pg_class does not have them
# any more, but their locks are held until its end.
LOCKS = """SELECT l.relation::bigint, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
AND l.relation BETWEEN 16384 AND {newest}
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT l.relation::bigint, l.mode FROM pg_locks l
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
AND l.relation BETWEEN 16384 AND {newest}
AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = l.relation)"""
# The xact functions count in this transaction, and are exact at once; the statistics views of the
# whole database are not updated before its end. That DDL scans a table shows here only.
ACTIVITY = """SELECT c.oid::bigint, pg_stat_get_xact_numscans(c.oid)::bigint,
pg_stat_get_xact_tuples_inserted(c.oid)::bigint, pg_stat_get_xact_tuples_updated(c.oid)::bigint,
pg_stat_get_xact_tuples_deleted(c.oid)::bigint
FROM pg_class c WHERE {which} AND c.relkind IN ('r', 'm', 'p')"""
# Before a statement: of all relations that this session has worked on and not reported yet.
UNREPORTED = """c.oid BETWEEN 16384 AND {newest} AND (pg_stat_get_xact_numscans(c.oid) > 0
OR pg_stat_get_xact_tuples_inserted(c.oid) > 0 OR pg_stat_get_xact_tuples_updated(c.oid) > 0
OR pg_stat_get_xact_tuples_deleted(c.oid) > 0)"""
SETTINGS = """SELECT name, setting FROM pg_settings
WHERE name IN ('lock_timeout', 'statement_timeout', 'session_replication_role')"""


def locks(cursor: psycopg.Cursor[Any], newest: int) -> dict[int, str]:
    """Return the strongest lock that the session holds on each relation up to the newest."""
    held: dict[int, str] = {}
    for oid, mode in cursor.execute(LOCKS.format(newest=newest).encode()).fetchall():
        if mode in MODES and strength(mode) > strength(held.get(oid)):
            held[oid] = mode
    return held


def unreported(cursor: psycopg.Cursor[Any], newest: int) -> dict[int, Activity]:
    """Return what the session has done to relations up to the newest and not reported yet."""
    return _activity(cursor, UNREPORTED.format(newest=newest))


def activity(cursor: psycopg.Cursor[Any], relations: Iterable[int]) -> dict[int, Activity]:
    """Return what the session has done to relations: those that the transaction has locked."""
    oids = ",".join(map(str, relations))
    return _activity(cursor, f"c.oid = ANY ('{{{oids}}}')") if oids else {}


def _activity(cursor: psycopg.Cursor[Any], which: str) -> dict[int, Activity]:
    rows = cursor.execute(ACTIVITY.format(which=which).encode()).fetchall()
    return {row[0]: Activity(*row[1:]) for row in rows}


def settings(cursor: psycopg.Cursor[Any]) -> dict[str, str]:
    """Return the settings that rules judge."""
    return dict(cursor.execute(SETTINGS.encode()).fetchall())


def difference(
    before: Mapping[int, Activity], after: Mapping[int, Activity]
) -> dict[int, Activity]:
    """Return what was done between two moments."""
    changed = {}
    for oid, now in after.items():
        was = before.get(oid, Activity())
        activity = Activity(
            now.scans - was.scans,
            now.inserted - was.inserted,
            now.updated - was.updated,
            now.deleted - was.deleted,
        )
        if activity != Activity():
            changed[oid] = activity
    return changed
