"""Carry indexes and constraints that only the target has over to the columns that replace theirs.

A contract drops a column after another one has got its name. Before `applying` runs such a plan,
the same index or constraint is built on the other column, under a temporary name and without
blocking writers; afterwards it gets the name of the one that is gone. On a column that only the
plan itself adds, it is built afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg

from limbeck.dataclass import dataclass
from limbeck.errors import MigrationError
from limbeck.events import Listener, Notice
from limbeck.phased.expand.naming import beside
from limbeck.phased.expand.values import respelled
from limbeck.postgres.connect import Connection
from limbeck.postgres.database import Database
from limbeck.postgres.duration import seconds
from limbeck.run.own_objects import OwnObject
from limbeck.schema.diff import index_definitions
from limbeck.schema.sql.quoting import literal, qualified, quote

_INDEX: Final = """
SELECT n.nspname, t.relname, c.relname, pg_get_indexdef(c.oid), t.relkind = 'p', true,
       obj_description(c.oid, 'pg_class')
FROM (SELECT %(oid)s::oid::regclass AS relid, 0 AS level WHERE NOT EXISTS (
        SELECT FROM pg_partition_tree(%(oid)s::oid::regclass))
    UNION ALL SELECT relid, level FROM pg_partition_tree(%(oid)s::oid::regclass)) AS tree
JOIN pg_class c ON c.oid = tree.relid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_class t ON t.oid = i.indrelid
ORDER BY tree.level DESC, c.oid"""
_CONSTRAINT: Final = """
SELECT n.nspname, t.relname, c.conname, pg_get_constraintdef(c.oid), false, c.convalidated,
       obj_description(c.oid, 'pg_constraint')
FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
JOIN pg_namespace n ON n.oid = t.relnamespace WHERE c.oid = %(oid)s"""
_STATE: Final = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
_EXISTS: Final = "SELECT FROM pg_constraint WHERE conrelid = to_regclass(%s) AND conname = %s"
_PAUSE: Final = 0.1  # seconds between two attempts to acquire a lock
_SHORTEST: Final = "500ms"


@dataclass(frozen=True, slots=True)
class Carried:
    """An index or constraint with the definition on its own column, and on the one that follows.

    `twin` is the temporary name. `definition` is None if the other column does not exist yet.
    """

    text: str
    schema: str
    table: str
    name: str
    twin: str
    contype: str
    valid: bool
    partitioned: bool
    former: str
    definition: str | None
    comment: str | None

    @property
    def on(self) -> str:
        """The table in SQL."""
        return qualified(self.schema, self.table)


@contextmanager
def carried_over(
    connection: Connection, database: Database, objects: Sequence[OwnObject], listen: Listener
) -> Iterator[None]:
    """Carry over what the plan that runs in the block would take away.

    Args:
        connection: The target, in autocommit mode.
        database: Its lock timeouts.
        objects: The objects of the plan, of which those that are carried over count.
        listen: Receives a notice for each.

    Raises:
        MigrationError: Postgres refuses one of them.

    """
    carried = _prepare(connection, database, objects, listen)
    try:
        yield
    except BaseException:
        # A contract may have run before the revision that failed.
        with suppress(MigrationError, psycopg.Error):
            _finish(connection, database, carried)
        raise
    _finish(connection, database, carried)


def _prepare(
    connection: Connection, database: Database, objects: Sequence[OwnObject], listen: Listener
) -> tuple[Carried, ...]:
    """Build what is carried over beside the original."""
    carriable = [each for each in objects if each.effect == "carried"]
    carried = tuple(each for own in carriable for each in _carried(connection, own))
    for own in carriable:
        listen(Notice(f"{own.text} is carried over to the column that replaces its own."))
    for each in carried:
        if each.definition is not None:
            _run(connection, database, each, _built(connection, each, each.twin, each.definition))
    return carried


def _finish(connection: Connection, database: Database, carried: Sequence[Carried]) -> None:
    """Give the twins the names of the originals that are gone, and build those without a twin."""
    for each in carried:
        if not _exists(connection, each, each.name):
            _run(connection, database, each, _named(connection, each))


def _carried(connection: Connection, own: OwnObject) -> Iterator[Carried]:
    """Yield a constraint, or an index with those of all partitions, which come first."""
    question = _CONSTRAINT if own.contype else _INDEX
    rows: list[Any] = connection.execute(question.encode(), {"oid": own.oid}).fetchall()
    names = {old: new for old, new in own.successors if new is not None}
    for schema, table, name, former, partitioned, valid, comment in rows:
        # A column that only the plan adds has no name yet.
        ready = len(names) == len(own.successors)
        yield Carried(
            text=own.text,
            schema=schema,
            table=table,
            name=name,
            twin=beside(name),
            contype=own.contype,
            valid=valid,
            partitioned=partitioned,
            former=former,
            definition=_respelled(former, own.contype, names) if ready else None,
            comment=comment,
        )


def _respelled(text: str, contype: str, names: dict[str, str]) -> str:
    """Return a definition with the columns replaced, but not those of another table."""
    marks = {"": " USING ", "f": " REFERENCES "}
    head, mark, tail = text.partition(marks.get(contype, "("))
    if contype == "f":
        return _columns(head, names) + mark + tail
    return head + mark + _columns(tail, names)


def _columns(text: str, names: dict[str, str]) -> str:
    return respelled(text, names, lambda name: quote(names[name]))


def _built(connection: Connection, carried: Carried, name: str, definition: str) -> Iterator[str]:
    """Yield the statements that build an index or a constraint, unless it is there already."""
    if carried.contype in {"", "u"}:
        index = qualified(carried.schema, name)
        row = connection.execute(_STATE, [index]).fetchone()
        if row == (True,):
            return
        if row is not None:
            yield f"DROP INDEX CONCURRENTLY {index}"  # what an interrupted build has left
        if carried.contype:
            definition = f"CREATE UNIQUE INDEX {quote(name)} ON {carried.on} {_key(definition)}"
        named = index_definitions.named(definition, name)
        # CONCURRENTLY is not possible there, and not needed: those of the partitions are attached.
        spelled = index_definitions.plain if carried.partitioned else index_definitions.concurrent
        yield spelled(named)
    elif not _exists(connection, carried, name):
        add = f"ALTER TABLE {carried.on} ADD CONSTRAINT {quote(name)} {definition}"
        yield add.removesuffix(" NOT VALID") + " NOT VALID"
        if carried.valid:
            yield f"ALTER TABLE {carried.on} VALIDATE CONSTRAINT {quote(name)}"


def _key(definition: str) -> str:
    """Return what follows UNIQUE in a constraint, in the order that CREATE INDEX wants it."""
    nulls = "NULLS NOT DISTINCT "
    rest = definition.removeprefix("UNIQUE ")
    distinct = "" if nulls not in rest else f" {nulls.strip()}"
    return rest.replace(nulls, "", 1).partition(" DEFERRABLE")[0] + distinct


def _named(connection: Connection, carried: Carried) -> Iterator[str]:
    """Yield the statements after which the new index or constraint has the name of the old one."""
    at, name, twin = carried.on, quote(carried.name), quote(carried.twin)
    if carried.definition is None:
        yield from _built(connection, carried, carried.twin, carried.former)
    if carried.contype == "u":
        tail = carried.former.partition(" DEFERRABLE")
        deferred = f"{tail[1]}{tail[2]}"
        yield f"ALTER TABLE {at} ADD CONSTRAINT {name} UNIQUE USING INDEX {twin}{deferred}"
    elif carried.contype:
        yield f"ALTER TABLE {at} RENAME CONSTRAINT {twin} TO {name}"
    else:
        yield f"ALTER INDEX {qualified(carried.schema, carried.twin)} RENAME TO {name}"
    if carried.comment is not None:
        index = f"INDEX {qualified(carried.schema, carried.name)}"
        kind = f"CONSTRAINT {name} ON {at}" if carried.contype else index
        yield f"COMMENT ON {kind} IS {literal(carried.comment)}"


def _exists(connection: Connection, carried: Carried, name: str) -> bool:
    if not carried.contype:
        index = qualified(carried.schema, name)
        row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [index]).fetchone()
        return row == (True,)
    return connection.execute(_EXISTS, [carried.on, name]).fetchone() is not None


def _run(
    connection: Connection, database: Database, carried: Carried, statements: Iterator[str]
) -> None:
    """Run statements, each tried again until the lock budget is spent."""
    for statement in statements:
        try:
            _patiently(connection, database, statement)
        except psycopg.Error as error:
            raise MigrationError(
                f"{carried.text} cannot be carried over: {error.diag.message_primary or error}\n"
                f"  statement: {statement}",
                hint="Drop it, or create it on the new column, then migrate again.",
            ) from error


def _patiently(connection: Connection, database: Database, statement: str) -> None:
    end = time.monotonic() + seconds(database.lock_budget)
    # CONCURRENTLY waits for transactions, not in a queue before anybody, so it may wait for long.
    waits = "CONCURRENTLY" in statement
    timeout = database.lock_budget if waits else database.lock_timeout or _SHORTEST
    connection.execute("SELECT set_config('lock_timeout', %s, false)", [timeout])
    try:
        while True:
            try:
                connection.execute(statement.encode())
            except psycopg.errors.LockNotAvailable:
                if waits or time.monotonic() > end:
                    raise
                time.sleep(_PAUSE)
            else:
                return
    finally:
        connection.execute("RESET lock_timeout")
