"""Find what only the target has on what a plan takes away; `planning` calls `search`.

The pending revisions run on the shadow first, which shows by oid what they take away: tables,
columns, views, functions, types, and columns that change their types. Then the target is asked what
depends on these (pg_depend), and all that the history has, too, is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from typing import Any, Final, TypeAlias

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine import running
from limbeck.errors import LimbeckError
from limbeck.events import Listener, Notice
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run import own_bodies
from limbeck.run.own_objects import Effect, OwnObject
from limbeck.schema.sql.own_schemas import of_users
from limbeck.schema.sql.quoting import quote
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow

_Key: TypeAlias = tuple[int, int]

# Everything that a revision can take away, by an identity that a rename or CREATE OR REPLACE keeps.
_THINGS: Final = f"""
SELECT c.oid::int8, coalesce(a.attnum, 0)::int, n.nspname, c.relname, a.attname,
       format('%%s %%s', a.atttypid, a.atttypmod), NULL
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (SELECT 0 AS attnum, NULL AS attname, NULL AS atttypid, NULL AS atttypmod
    UNION ALL SELECT attnum, attname::text, atttypid::text, atttypmod::text FROM pg_attribute
    WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND c.relkind IN ('r', 'p', 'f')
) AS a ON true
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'i', 'I') AND {of_users("n.nspname")}
    AND position(c.relname IN %(text)s) > 0
UNION ALL
SELECT p.oid::int8, -1, n.nspname, p.proname, NULL, NULL,
    (pg_identify_object('pg_proc'::regclass, p.oid, 0)).identity
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {of_users("n.nspname")} AND position(p.proname IN %(text)s) > 0
UNION ALL
SELECT t.oid::int8, -2, n.nspname, t.typname, NULL, NULL,
    (pg_identify_object('pg_type'::regclass, t.oid, 0)).identity
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE {of_users("n.nspname")} AND position(t.typname IN %(text)s) > 0
    AND (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c')"""

# The objects that depend on some of these. One with an automatic dependency is dropped together
# with what it depends on, though its expression may depend on it in the normal way, too. A default
# is part of its column, unless it makes the column a generated one; NOT NULL constraints are
# objects from Postgres 18 on only.
_DEPENDENTS: Final = """
WITH roots AS (
    SELECT r.holder, r.how, 'pg_class'::regclass::oid AS classid, c.oid AS objid,
           coalesce(a.attnum, 0) AS sub, r.named
    FROM jsonb_to_recordset(%(roots)s::jsonb)
        AS r(holder text, how text, schema text, "table" text, "column" text, named text[])
    JOIN pg_namespace n ON n.nspname = r.schema
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = r."table"
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = r."column" AND a.attnum > 0
    WHERE r."column" IS NULL OR a.attnum IS NOT NULL
    UNION ALL
    SELECT r.holder, r.how, 'pg_proc'::regclass, to_regprocedure(r.routine)::oid, 0, NULL
    FROM jsonb_to_recordset(%(roots)s::jsonb) AS r(holder text, how text, routine text)
    WHERE to_regprocedure(r.routine) IS NOT NULL
    UNION ALL
    SELECT r.holder, r.how, 'pg_type'::regclass, to_regtype(r.type)::oid, 0, NULL
    FROM jsonb_to_recordset(%(roots)s::jsonb) AS r(holder text, how text, type text)
    WHERE to_regtype(r.type) IS NOT NULL
), users AS (
    SELECT DISTINCT r.holder, r.how,
        CASE WHEN w.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END AS classid,
        coalesce(w.ev_class, d.objid) AS objid,
        CASE WHEN w.oid IS NULL THEN d.objsubid ELSE 0 END AS objsubid,
        d.deptype = 'n' AS blocks
    FROM roots r JOIN pg_depend d ON d.refclassid = r.classid AND d.refobjid = r.objid
        AND (r.sub = 0 OR d.refobjsubid = r.sub) AND d.deptype IN ('n', 'a')
    LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
        AND w.rulename = '_RETURN'
    WHERE NOT (d.classid = 'pg_class'::regclass AND d.objid = r.objid)
    UNION ALL
    SELECT r.holder, r.how, r.classid, r.objid, a.attnum, false
    FROM roots r JOIN pg_attribute a ON a.attrelid = r.objid
    WHERE r.named IS NOT NULL AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attname <> ALL (r.named)
)
SELECT u.holder, u.how, o.type, o.identity, bool_and(u.blocks), u.objid::int8,
       CASE WHEN t.relkind = 'p' OR t.relispartition THEN 'P' ELSE coalesce(c.contype::text, '') END
FROM users u CROSS JOIN LATERAL pg_identify_object(u.classid, u.objid, u.objsubid) AS o
LEFT JOIN pg_constraint c ON u.classid = 'pg_constraint'::regclass AND c.oid = u.objid
LEFT JOIN pg_class t ON t.oid = c.conrelid
LEFT JOIN pg_attrdef f ON u.classid = 'pg_attrdef'::regclass AND f.oid = u.objid
LEFT JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
WHERE coalesce(c.contype <> 'n', true) AND (f.oid IS NULL OR a.attgenerated <> '')
GROUP BY u.holder, u.how, o.type, o.identity, u.objid, c.contype, t.relkind,
    t.relispartition
ORDER BY o.identity, u.how"""

# Postgres makes these anew itself when a column changes its type (ALTER TABLE, Notes).
_REBUILT: Final = frozenset(
    {"index", "table constraint", "statistics object", "sequence", "domain constraint"}
)
_CARRIED: Final = frozenset({"index", "table constraint"})
# Not those of partitioned tables and partitions ("P"), which have them from each other.
_CARRIED_CONSTRAINTS: Final = frozenset({"", "c", "f", "u"})


@dataclass(frozen=True, slots=True)
class _Thing:
    """A table, index, view, column, function or type, with what identifies it on the target."""

    schema: str
    name: str
    column: str | None
    type: str
    signature: str | None

    @property
    def text(self) -> str:
        return self.signature or ".".join(filter(None, (self.schema, self.name, self.column)))


@dataclass(frozen=True, slots=True)
class _Taken:
    """What revisions take away, as parameters of `_DEPENDENTS`, and what the history has on it."""

    roots: list[dict[str, Any]]
    known: set[tuple[str, str]]
    bodies: set[tuple[str, str]]
    successors: dict[str, tuple[tuple[str, str | None], ...]] = field(default_factory=dict)


def search(  # noqa: PLR0913, PLR0917 - whose, where, from what to what, who is told
    project: Project,
    profile: Profile,
    connection: Connection,
    current: Sequence[str],
    todo: Sequence[Revision],
    listen: Listener,
) -> tuple[OwnObject, ...]:
    """Return the objects that only a database has and that pending revisions affect.

    Args:
        project: The project, with its history and its shadow.
        profile: The environment.
        connection: Its database.
        current: The applied revisions.
        todo: The pending revisions, in their order, which are run on the shadow.
        listen: Receives a notice if there is no shadow, or if the revisions fail on it.

    """
    try:
        taken = _taken(project, profile, current, todo)
    except (LimbeckError, psycopg.Error) as error:
        words = str(error).partition("\n")[0]
        listen(Notice(f"What only {profile.name} has was not looked for: {words}"))
        return ()
    return tuple(_own(connection, taken)) if taken.roots else ()


def _taken(
    project: Project, profile: Profile, current: Sequence[str], todo: Sequence[Revision]
) -> _Taken:
    history = History.of(project, profile)
    template = Replay(project, ",".join(current), profile=profile).template()
    text = "\n".join(each.path.read_text(encoding="utf-8", errors="replace") for each in todo)
    shadow = Shadow.of(project, profile)
    with shadow.scratch(template) as database, _opened(database, project.tenant) as connection:
        before = _things(connection, text)
        everything = [_root(thing, "dropped") for thing in before.values()]
        known = {(row[2], row[3]) for row in _dependents(connection, everything)}
        functions = own_bodies.bodies(connection)
        running.run(history, connection, todo)
        after = _things(connection, text)
    taken = _Taken([], known, functions)
    _compare(before, after, taken)
    return taken


@contextmanager
def _opened(database: Database, tenant: str | None) -> Iterator[Connection]:
    """Yield a session in which the schema of a tenant has the name that it has on the target."""
    if tenant is not None:
        with connect(database) as connection:
            name = quote(tenant)
            connection.execute(f"ALTER SCHEMA public RENAME TO {name}".encode())
            connection.execute(b"CREATE SCHEMA public")
    with connect(replace(database, tenant=tenant)) as connection:
        yield connection


def _things(connection: Connection, text: str) -> dict[_Key, _Thing]:
    rows: list[Any] = connection.execute(_THINGS.encode(), {"text": text}).fetchall()
    return {(oid, number): _Thing(*rest) for oid, number, *rest in rows}


def _compare(before: dict[_Key, _Thing], after: dict[_Key, _Thing], taken: _Taken) -> None:
    columns: dict[int, list[str | None]] = {}
    for (oid, number), thing in before.items():
        columns.setdefault(oid, []).extend([thing.column] if number > 0 else [])
    gone = {oid for oid, number in before.keys() - after.keys() if number > 0}
    successors = {oid: _successors(oid, before, after) for oid in gone}
    for (oid, number), thing in before.items():
        now = after.get((oid, number))
        if now is not None and now.type != thing.type:
            taken.roots.append(_root(thing, "retyped"))
        elif now is not None and now != thing:
            taken.roots.append(_root(thing, "renamed"))
        elif now is None and number <= 0:
            # Columns that only the target has go with their table.
            taken.roots.append(_root(thing, "dropped") | {"named": columns[oid] or None})
        elif now is None and (oid, 0) in after:
            replaced = any(name == thing.column for name, _ in successors[oid])
            taken.roots.append(_root(thing, "replaced" if replaced else "dropped"))
            taken.successors[thing.text] = successors[oid]


def _successors(
    oid: int, before: dict[_Key, _Thing], after: dict[_Key, _Thing]
) -> tuple[tuple[str, str | None], ...]:
    """Return the columns of a table that are replaced, each with the former name of the new one."""
    now = {each.column: number for (at, number), each in after.items() if at == oid and number > 0}
    pairs = []
    for (at, number), thing in before.items():
        if at == oid and number > 0 and (at, number) not in after and thing.column in now:
            former = before.get((at, now[thing.column]))
            pairs.append((str(thing.column), former.column if former else None))
    return tuple(pairs)


def _root(thing: _Thing, how: str) -> dict[str, Any]:
    root = {"holder": thing.text, "how": how}
    if thing.signature is not None:
        return root | {"routine" if "(" in thing.signature else "type": thing.signature}
    return root | {"schema": thing.schema, "table": thing.name, "column": thing.column}


def _dependents(connection: Connection, roots: list[dict[str, Any]]) -> list[Any]:
    return connection.execute(_DEPENDENTS.encode(), {"roots": json.dumps(roots)}).fetchall()


def _own(connection: Connection, taken: _Taken) -> Iterator[OwnObject]:
    seen: set[str] = set()
    # Objects follow a rename by themselves; texts do not.
    roots = [root for root in taken.roots if root["how"] != "renamed"]
    for holder, how, kind, identity, blocks, oid, contype in _dependents(connection, roots):
        text = f"{kind} {identity}"
        if (kind, identity) in taken.known or text in seen:
            continue
        if how == "retyped" and kind in _REBUILT:
            continue
        seen.add(text)
        carried = how == "replaced" and kind in _CARRIED and contype in _CARRIED_CONSTRAINTS
        effect: Effect = "in the way" if blocks or how == "retyped" else "lost"
        if carried and not blocks:
            effect = "carried"
        names = taken.successors.get(holder, ())
        yield OwnObject(text, holder, effect, oid, contype, names)
    for function, holder in own_bodies.naming(connection, taken.roots, taken.bodies):
        if f"function {function}" not in seen:
            yield OwnObject(f"function {function}", holder, "broken")
