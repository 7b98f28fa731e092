"""What a branch loses when it is reset, restored or deleted; the commands print it and ask."""

from __future__ import annotations

from typing import Any, Final

from psycopg import sql

from limbeck.branches.base import Branch, BranchProvider
from limbeck.dataclass import dataclass
from limbeck.engine.version_table import VersionTable, of, recorded
from limbeck.errors import LimbeckError
from limbeck.history.history import History
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project.project import Project
from limbeck.run.drift import outermost
from limbeck.schema.catalog.catalog import Catalog, Change
from limbeck.schema.catalog.read import read
from limbeck.schema.sql.own_schemas import of_users


@dataclass(frozen=True, slots=True)
class Losses:
    """The contents of a branch that would be lost.

    `revisions` are applied on the branch and not on its parent; `rows` is the number of all rows of
    users' tables, exact unless `estimated`; `sessions` counts the connections that would end.
    `changes` are the objects in which its schema differs from the parent's, also those that no
    revision has made: "+" what only the branch has, "-" what only the parent has. `problem` says
    why the branch could not be read.
    """

    branch: Branch
    revisions: tuple[str, ...] = ()
    rows: int = 0
    sessions: int = 0
    changes: tuple[str, ...] = ()
    estimated: bool = False
    problem: str | None = None

    @property
    def nothing(self) -> bool:
        """Whether the branch was read and nothing would be lost."""
        lost = self.revisions or self.rows or self.sessions or self.changes
        return self.problem is None and not lost


@dataclass(frozen=True, slots=True)
class _Contents:
    revisions: frozenset[str]
    rows: int
    estimated: bool
    sessions: int
    catalog: Catalog


# Tables of users: not those of limbeck, of an extension, or with the versions. What Postgres knows
# of their rows without reading them: from the last ANALYZE, and from the writes since.
_TABLES: Final = f"""
SELECT n.nspname, c.relname, pg_relation_size(c.oid),
       greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)::bigint,
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND {of_users("n.nspname")} AND pg_relation_size(c.oid) > 0
    AND c.oid IS DISTINCT FROM to_regclass(%s)
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
        AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 3"""
_SESSIONS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
# Bytes of all tables that are counted, the smallest first: some tenths of a second.
_COUNTED: Final = 100_000_000


def losses(project: Project, provider: BranchProvider, name: str) -> Losses:
    """Return what a branch has that its parent does not; nothing is changed."""
    branch = provider.get(name)
    try:
        own = _look(project, provider, branch.name)
        parent = _look(project, provider, branch.parent) if branch.parent else None
    except LimbeckError as error:
        return Losses(branch, problem=error.message)
    above = parent.revisions if parent else frozenset()
    # A branch without a parent, such as a copy of a schema alone, has nothing to be compared with.
    changes = outermost(parent.catalog.changes_to(own.catalog)) if parent else ()
    return Losses(
        branch,
        tuple(sorted(own.revisions - above)),
        own.rows,
        own.sessions,
        tuple(map(_signed, changes)),
        own.estimated,
    )


def _signed(change: Change) -> str:
    sign = "+" if change.before is None else "-" if change.after is None else "~"
    return f"{sign} {change.address}"


def _look(project: Project, provider: BranchProvider, name: str) -> _Contents:
    database = Database.from_url(name, provider.url(name))
    history = History.of(project)
    with connect(database, read_only=True) as connection:
        versions = of(history, connection)
        current = recorded(connection, versions)
        known = {revision.id for revision in history.revisions()}
        applied = {each.id for each in history.applied([id_ for id_ in current if id_ in known])}
        rows, estimated = _rows(connection, versions)
        sessions = _int(connection.execute(_SESSIONS).fetchone())
        catalog = read(connection)
    return _Contents(frozenset({*applied, *current}), rows, estimated, sessions, catalog)


def _rows(connection: Connection, versions: VersionTable) -> tuple[int, bool]:
    """Return the number of rows, and whether a part of it is an estimate."""
    tables: list[Any] = connection.execute(
        _TABLES.encode(), [versions.quoted.as_string()]
    ).fetchall()
    rows, read_, estimated = 0, 0, False
    for schema, name, size, known, readable in tables:
        read_ += size
        if readable and read_ <= _COUNTED:
            query = sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(schema, name))
            rows += _int(connection.execute(query).fetchone())
        else:
            rows, estimated = rows + known, True
    return rows, estimated


def _int(row: tuple[object, ...] | None) -> int:
    return int(str(row[0])) if row else 0
