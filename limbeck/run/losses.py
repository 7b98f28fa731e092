"""What a branch loses when it is reset, restored or deleted; the commands print it and ask."""

from __future__ import annotations

from dataclasses import dataclass

from limbeck.branches.base import Branch, BranchProvider
from limbeck.engine.version_table import of, recorded
from limbeck.errors import LimbeckError
from limbeck.history.history import History
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.read import read
from limbeck.schema.sql.own_schemas import of_users


@dataclass(frozen=True, slots=True)
class Losses:
    """The contents of a branch that would be lost.

    `revisions` are applied on the branch and not on its parent; `rows` is Postgres' estimate of
    all rows; `sessions` counts the connections that would end; `schema` says whether the schema
    differs from the parent's, also by changes without a revision. `problem` says why the branch
    could not be read.
    """

    branch: Branch
    revisions: tuple[str, ...] = ()
    rows: int = 0
    sessions: int = 0
    schema: bool = False
    problem: str | None = None

    @property
    def nothing(self) -> bool:
        """Whether the branch was read and nothing would be lost."""
        lost = self.revisions or self.rows or self.sessions or self.schema
        return self.problem is None and not lost


@dataclass(frozen=True, slots=True)
class _Contents:
    revisions: frozenset[str]
    rows: int
    sessions: int
    catalog: Catalog


_ROWS = f"""
SELECT coalesce(sum(greatest(reltuples, pg_relation_size(pg_class.oid) / 100)), 0)::bigint
FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'm') AND {of_users("nspname")}
  AND relname <> 'alembic_version'
"""
_SESSIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


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
    schema = parent is not None and bool(parent.catalog.changes_to(own.catalog))
    return Losses(branch, tuple(sorted(own.revisions - above)), own.rows, own.sessions, schema)


def _look(project: Project, provider: BranchProvider, name: str) -> _Contents:
    database = Database.from_url(name, provider.url(name))
    history = History.of(project)
    with connect(database, read_only=True) as connection:
        current = recorded(connection, of(history, connection))
        known = {revision.id for revision in history.revisions()}
        applied = {each.id for each in history.applied([id_ for id_ in current if id_ in known])}
        rows, sessions = (connection.execute(each).fetchone() for each in (_ROWS, _SESSIONS))
        catalog = read(connection)
    return _Contents(frozenset({*applied, *current}), _int(rows), _int(sessions), catalog)


def _int(row: tuple[object, ...] | None) -> int:
    return int(str(row[0])) if row else 0
