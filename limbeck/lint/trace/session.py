"""What a session holds and has done so far: its locks, its counters and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from limbeck.dataclass import dataclass
from limbeck.lint.trace.moments import Moment
from limbeck.lint.trace.statement import MODES, OF_WRITERS, Activity, strength
from limbeck.lint.trace.unseen import forget, unseen

if TYPE_CHECKING:
    import psycopg

# Oids from 16384 on are of user objects (FirstNormalObjectId, src/include/access/transam.h), those
# after the newest existing relation of new ones, of which a revision may create thousands. pg_class
# does not have the relations that this transaction has dropped, but it holds their locks.
#
# The xact functions count in this transaction, and are exact at once; the statistics views of the
# whole database are not updated before its end. That DDL scans a table shows here only.
_MODES: Final = ", ".join(f"'{mode}'" for mode in MODES)
_COUNTED: Final = ("numscans", "tuples_inserted", "tuples_updated", "tuples_deleted")
_HELD: Final = f"""SELECT concat_ws(',', held.oid, held.place - 1,
{", ".join(f"pg_stat_get_xact_{name}(c.oid)" for name in _COUNTED)}) AS line
FROM (SELECT l.relation AS oid, max(array_position(ARRAY[{_MODES}], l.mode)) AS place
    FROM pg_locks l
    WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
    AND l.relation BETWEEN 16384 AND {{newest}} AND l.mode IN ({_MODES})
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY l.relation) AS held
LEFT JOIN pg_class c ON c.oid = held.oid AND c.relkind IN ('r', 'm', 'p')"""
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


@dataclass(frozen=True, slots=True)
class Locked:
    """The strongest lock that a session holds on a relation, and what it has done to it so far.

    `activity` is None for what is no table or has been dropped.
    """

    mode: str
    activity: Activity | None


@dataclass(frozen=True, slots=True)
class Held:
    """The locks of a transaction at one moment; `strong` are those that writers do not hold."""

    modes: Moment[int, str]
    strong: Moment[int, str]

    @classmethod
    def first(cls, modes: Mapping[int, str]) -> Held:
        """Return the locks of a new transaction."""
        return cls(Moment.first(modes), Moment.first(_strong(modes)))

    def then(self, modes: Mapping[int, str]) -> Held:
        """Return the locks after others were acquired."""
        return Held(self.modes.then(modes), self.strong.then(_strong(modes)))

    def replaced(self, modes: Mapping[int, str]) -> Held:
        """Return the locks after some were released; these are all."""
        return Held(self.modes.replaced(modes), self.strong.replaced(_strong(modes)))


def _strong(modes: Mapping[int, str]) -> dict[int, str]:
    return {oid: mode for oid, mode in modes.items() if strength(mode) > OF_WRITERS}


def locked(
    cursor: psycopg.Cursor[Any], newest: int, *, everything: bool = False
) -> dict[int, Locked]:
    """Return the relations up to the newest that the session has locked, or worked on, lately.

    Args:
        cursor: The cursor of the session.
        newest: The highest oid.
        everything: Whether to return all locks of the session, not only what is new.

    """
    if everything:
        cursor.execute(forget("locks").encode())
    query = unseen("locks", _HELD.format(newest=newest))
    rows = (line.split(",") for (line,) in cursor.execute(query.encode()).fetchall() if line)
    return {
        int(oid): Locked(MODES[int(place)], Activity(*map(int, counts)) if counts else None)
        for oid, place, *counts in rows
    }


def unreported(cursor: psycopg.Cursor[Any], newest: int) -> dict[int, Activity]:
    """Return what the session has done to relations up to the newest and not reported yet."""
    return _activity(cursor, UNREPORTED.format(newest=newest))


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
