"""What a revision sets in its session ends with it; limbeck's own reads depend on no setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from limbeck import migrate, status
from limbeck.engine import ledger
from limbeck.errors import MigrationError
from limbeck.safety import lint
from tests.postgres.test_revision_python import migrated, undone

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

SHOWN = (
    "op.get_bind().execute(sa.text(\"select concat_ws(' ', current_user, current_schema(),"
    " current_setting('datestyle'), current_setting('lock_timeout'),"
    " coalesce(current_setting('my.own', true), ''), current_setting('tcp_keepalives_idle'))\"))"
    ".scalar()"
)
LEAKS = {
    "search_path": "SET search_path = other, public",
    "search_path by function": "SELECT set_config('search_path', 'other', false)",
    "local search_path": "SET LOCAL search_path = other",
    "no search_path": "SET search_path = ''",
    "role": "SET ROLE pg_monitor",
    "local role": "SET LOCAL ROLE pg_monitor",
    "session user": "SET SESSION AUTHORIZATION pg_monitor",
    "datestyle": "SET datestyle = 'SQL, DMY'",
    "lock_timeout": "SET lock_timeout = '7s'",
    "a variable": "SET my.own = 'value'",
    "keepalives": "SET tcp_keepalives_idle = 7",
}
BLOCK = "with op.get_context().autocommit_block():\n    "


def test_each_revision_starts_from_the_defaults_of_the_connection(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create schema other; create table seen (after text, what text)")
    last = None
    insert = "sa.text('insert into public.seen values (:name, :what)')"
    for name, leak in {"nothing": "select 1", **LEAKS}.items():
        for body in (
            f'op.execute("{leak}")',
            f'{BLOCK}op.execute("{leak}")\n{BLOCK}op.execute("select 1")',
            f"what = {SHOWN}\nop.execute({insert}.bindparams(name={name!r}, what=what))",
        ):
            last = work.revision("one", body, down=last)
    migrated(work, database)
    seen = dict(connection.execute("select after, what from seen").fetchall())
    assert seen == dict.fromkeys(["nothing", *LEAKS], seen["nothing"])
    assert connection.execute("select count(*) from public.alembic_version").fetchone() == (1,)
    assert len(ledger.read(connection).entries) == 3 * len(seen)


def test_the_second_revision_makes_its_table_where_it_would_alone(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    first = work.revision("other", 'op.execute("create schema other")')
    leaking = 'op.execute("SET search_path = other, public")\nop.execute("create table one ()")'
    second = work.revision("one", leaking, "drop table other.one", down=first)
    third = work.revision("two", "create table two ()", "drop table two", down=second)
    migrated(work, database)
    tables = "select to_regclass('other.one') is null, to_regclass('public.two') is null"
    assert connection.execute(tables).fetchone() == (False, False)
    (state,) = status.status(work.project, [work.profile])
    assert state.drift == ()
    assert {each.code for each in lint(work.project, [second, third]).hazards} == set()
    undone(work, database, 2)


def test_a_retried_revision_starts_from_the_defaults_too(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create schema other")
    body = f'{BLOCK}op.execute("SET search_path = other")\nop.execute("select 1/0")'
    work.revision("fails", body)
    with pytest.raises(MigrationError, match="division by zero"):
        migrated(work, database)
    assert "interrupted" in [each.kind for each in status.findings(_status(work))]


def _status(work: Work) -> status.Status:
    (state,) = status.status(work.project, [work.profile], drift=False)
    return state


def configured(connection: psycopg.Connection, **settings: str) -> None:
    """Set defaults of the database."""
    for name, value in settings.items():
        query = sql.SQL("ALTER DATABASE {} SET {} = {}").format(
            sql.Identifier(connection.info.dbname),
            sql.Identifier(name),
            sql.SQL(value),
        )
        connection.execute(query)


@pytest.mark.parametrize(
    "settings",
    [
        {"datestyle": "'SQL, DMY'", "default_transaction_isolation": "'serializable'"},
        {"datestyle": "'German'", "timezone": "'America/New_York'", "bytea_output": "'escape'"},
    ],
    ids=", ".join,
)
def test_the_settings_of_a_database_confuse_no_command(
    settings: dict[str, str], work: Work, database: Database, connection: psycopg.Connection
) -> None:
    configured(connection, **settings)
    body = "op.create_table('one', sa.Column('day', sa.Date, server_default='2026-02-01'))"
    work.revision("one", body, "drop table one")
    work.revision("two", "alter table one add x timestamptz default '2026-02-01 00:00+00'")
    migrated(work, database)
    state = _with_drift(work)
    assert (state.problem, state.drift, state.edited) == (None, (), ())
    with psycopg.connect(database.url, options="-c timezone=Asia/Tokyo") as other:
        assert ledger.read(other) == ledger.read(connection)
    undone(work, database)


def _with_drift(work: Work) -> status.Status:
    (state,) = status.status(work.project, [work.profile])
    return state


@pytest.mark.parametrize(
    ("before", "path"),
    [
        ("create schema app", "app"),
        ("create schema app", "app, public"),
        ("create schema app", "nowhere"),
        ("", '"$user", app'),
    ],
)
def test_a_search_path_of_its_own_is_no_drift(
    before: str, path: str, work: Work, database: Database, connection: psycopg.Connection
) -> None:
    if before:
        connection.execute(before.encode())
    configured(connection, search_path=path)
    if not before:
        work.revision("schema", 'op.execute("create schema app")', 'op.execute("drop schema app")')
    name = "public.one" if path == "nowhere" else "one"
    work.revision("one", f"create table {name} (id int primary key)", f"drop table {name}")
    migrated(work, database)
    assert migrate.plan(work.project, work.profile, database).revisions == ()
    state = _with_drift(work)
    assert (state.problem, state.pending) == (None, ())
    expected = ["schema app"] if before and path == "nowhere" else []
    assert [str(each.address) for each in state.drift or ()] == expected
    undone(work, database)


def test_a_role_of_its_own_reaches_over_the_steps_of_a_revision(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    role = f"owner_{connection.info.backend_pid}"
    connection.execute(f"create role {role}".encode())
    connection.execute(f"grant create on schema public to {role}".encode())
    body = f'op.execute("SET ROLE {role}")\nop.execute("create table one (id int)")\n'
    body += f'{BLOCK}op.execute("create index concurrently one_id on one (id)")\n'
    work.revision("owned", body + 'op.execute("create table two ()")')
    try:
        migrated(work, database)
        owners = "select tableowner from pg_tables where tablename in ('one', 'two')"
        assert connection.execute(owners).fetchall() == [(role,), (role,)]
        assert migrate.plan(work.project, work.profile, database).revisions == ()
    finally:
        connection.execute(f"drop owned by {role}; drop role {role}".encode())
