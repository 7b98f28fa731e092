"""Open connections with the timeouts of an environment, and retry while a compute starts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import psycopg
from psycopg import sql

from limbeck.dataclass import dataclass
from limbeck.errors import PooledUrlError
from limbeck.events import Listener, Notice, ignore
from limbeck.postgres import row_security, tls
from limbeck.postgres import url as urls
from limbeck.postgres.database import Database

if TYPE_CHECKING:
    import sqlalchemy

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]


class Scoped(psycopg.Connection[tuple[object, ...]]):
    """A connection to a part of a database; `tenant` and `hides` are those of `Database`."""

    tenant: str | None
    hides: tuple[str, ...]


class Assisted(Scoped):
    """A connection to a scratch database; `superuser` is the URL of one with more rights."""

    superuser: str


def tenant_of(connection: psycopg.Connection[Any]) -> str | None:
    """Return the tenant whose schema a session works in; None for one of the whole database."""
    return getattr(connection, "tenant", None)


_CONNECT_TIMEOUT = 15
_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0)  # seconds; Neon's advice while a compute starts
_READING = "10s"  # the lock timeout of sessions that only read


@dataclass(frozen=True, slots=True)
class Session:
    """The state of a session that costs a round trip to ask for.

    `schema` is where new objects go, `isolation` and `read_only` are those of its transactions,
    `server` is the address that Postgres itself has, behind a pooler too. `settings` are those that
    were set after it began, with their values.
    """

    schema: str | None
    isolation: str
    read_only: bool
    server: str | None
    settings: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, row: Sequence[object]) -> Session:
        """Return a session from the columns of SESSION."""
        schema, isolation, read_only, server, settings = row
        return cls(
            None if schema is None else str(schema),
            str(isolation),
            read_only == "on",
            None if server is None else str(server),
            tuple((str(name), str(value)) for name, value in cast("list[list[str]]", settings)),
        )


SESSION = """current_schema(), current_setting('transaction_isolation'),
  current_setting('transaction_read_only'),
  host(inet_server_addr()) || ':' || inet_server_port(),
  (SELECT coalesce(array_agg(ARRAY[name, current_setting(name)]), '{}') FROM pg_settings
    WHERE source = 'session')"""


@contextmanager
def connect(
    database: Database,
    *,
    autocommit: bool = True,
    read_only: bool = False,
    application_name: str = "limbeck",
    listen: Listener = ignore,
) -> Iterator[Connection]:
    """Yield a connection; commit at the end of the block, roll back on an error.

    Only connecting is retried, while a suspended compute starts. The timeouts are part of the
    startup message, so they cost no round trip. So is `row_security`: a session sees every row of a
    table, or it fails.

    Args:
        database: The database, with its timeouts.
        autocommit: Whether each statement is a transaction of its own.
        read_only: Whether transactions may only read; they wait for locks a little longer.
        application_name: The name that pg_stat_activity shows.
        listen: Receives a Notice for each retry.

    Raises:
        UnavailableError: there is no connection, or one that reads is lost; the message says why.
        DatabaseError: row security would hide rows from a statement of the block, or a lock or a
            timeout ends one that reads.
        PooledUrlError: the server is a transaction pooler.

    """
    connection = _open(database, _options(database, read_only=read_only), application_name, listen)
    connection.autocommit = autocommit
    try:
        with row_security.explained(connection.info.user), connection:
            yield connection
    except psycopg.OperationalError as error:
        if not read_only:  # whoever writes knows better what it means
            raise
        from limbeck.postgres import interrupted  # noqa: PLC0415 - most sessions end well

        if known := interrupted.translated(database, error):
            raise known from error
        raise


@contextmanager
def as_sqlalchemy(
    connection: Connection, known: Session | None = None
) -> Iterator[sqlalchemy.Connection]:
    """Yield a SQLAlchemy connection over an open one, which keeps its session afterwards.

    SQLAlchemy begins the transactions inside of the block; what is not committed is rolled back. A
    `known` session saves the round trips of SQLAlchemy's first connect.
    """
    from sqlalchemy import create_engine, pool  # noqa: PLC0415 - slow, and few commands need it

    autocommit = connection.autocommit
    # The look-up of hstore would cost a round trip.
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: connection,
        poolclass=pool.StaticPool,
        use_native_hstore=False,
        # Errors repeat the statement; the values in it may be anybody's.
        hide_parameters=True,
    )
    _tell(engine.dialect, connection, known or session(connection))
    connection.autocommit = False
    try:
        with engine.connect() as wrapped:
            yield wrapped
    finally:
        if not connection.closed:
            connection.rollback()
            connection.autocommit = autocommit


def as_url(connection: psycopg.Connection[Any]) -> str:
    """Return the URL of a connection's database, with the password, for another session."""
    info = connection.info
    shown = {name: value for name, value in info.get_parameters().items() if name in _OF_PLACE}
    address = {"host": info.host, "port": str(info.port), "user": info.user}
    if info.hostaddr:  # the same machine, whatever a second look-up of its name would say
        address["hostaddr"] = info.hostaddr
    return urls.render({**shown, **address, "password": info.password, "dbname": info.dbname})


_OF_PLACE = {"sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding", "require_auth"}


def refuse_pooler(database: Database, session: Session) -> None:
    """Refuse a session that is not read-only although its startup message asked for that.

    A transaction pooler that ignores unknown settings (PgBouncer's ignore_startup_parameters)
    loses the timeouts as silently.

    Raises:
        PooledUrlError: the setting did not arrive.

    """
    if not session.read_only:
        where = urls.address(database.parameters)
        raise PooledUrlError(
            f"{where} is a transaction pooler: it ignores the settings of a session",
            hint=_direct(session.server),
        )


def _direct(server: str | None) -> str:
    at = f", which is at {server}" if server else ""
    return f"Use the URL of the Postgres server behind the pooler{at}."


def session(connection: Connection) -> Session:
    """Return the state of a session, in one round trip."""
    (row,) = connection.execute(f"SELECT {SESSION}".encode()).fetchall()
    return Session.read(row)


def _tell(dialect: sqlalchemy.Dialect, connection: Connection, session: Session) -> None:
    """Set on a dialect what its first connect would ask for in five round trips."""
    number = connection.info.server_version
    escaping = connection.info.parameter_status("standard_conforming_strings") == "off"
    known: dict[str, Callable[[object], object]] = {
        "_get_server_version_info": lambda _: (number // 10000, number % 10000),
        "_get_default_schema_name": lambda _: session.schema,
        "get_default_isolation_level": lambda _: session.isolation.upper(),
        "_set_backslash_escapes": lambda _: setattr(dialect, "_backslash_escapes", escaping),
    }
    for name, answer in known.items():
        setattr(dialect, name, answer)


def _options(database: Database, *, read_only: bool) -> str:
    """Return the `options` of the startup message; of two equal settings the last one counts."""
    names = (
        "row_security",
        "lock_timeout",
        "statement_timeout",
        "idle_in_transaction_session_timeout",
    )
    # A reader that waits for a lock blocks nobody, so it may wait a little longer.
    patient = replace(database, lock_timeout=_READING) if read_only else database
    settings = [(name, getattr(patient, name)) for name in names]
    chosen = [f"-c {name}={value}" for name, value in settings if value is not None]
    if database.tenant is not None:
        chosen.append(f"-c search_path={_escaped(search_path(database.tenant))}")
    own = database.parameters.get("options")
    return " ".join([*chosen, *([own] if own else []), *_READ_ONLY[:read_only]])


def search_path(tenant: str) -> str:
    """Return the search path of a tenant, as the setting has it.

    Extensions are usually in public; names that the tenant lacks are looked up there.
    """
    return f"{sql.Identifier(tenant).as_string()}, public"


def _escaped(text: str) -> str:
    """Return a value in the `options` of a startup message, where a blank ends an option."""
    return text.replace("\\", "\\\\").replace(" ", "\\ ")


_READ_ONLY = ["-c default_transaction_read_only=on"]


def _open(database: Database, options: str, application_name: str, listen: Listener) -> Connection:
    began = time.monotonic()
    for delay in (*_DELAYS, None):
        try:
            connection = _kind(database).connect(
                database.url,
                application_name=application_name,
                connect_timeout=min(_CONNECT_TIMEOUT, int(database.patience)),
                options=options,
                autocommit=True,
                prepare_threshold=None,
                **tls.safeguards(database.parameters),
            )
        except psycopg.Error as error:
            from limbeck.postgres import unreachable  # noqa: PLC0415 - most connections succeed

            failure, words = unreachable.recognised(error)
            if failure.error is PooledUrlError:
                failure = replace(failure, hint=_direct(_server_behind(database)))
            late = time.monotonic() - began > database.patience
            if delay is None or late or not failure.waking:
                raise unreachable.translated(database, failure, words) from None
            listen(Notice(f"{database.name}: waiting for {database.destination}: {words}"))
            time.sleep(delay)
        else:
            if isinstance(connection, Scoped):
                connection.tenant, connection.hides = database.tenant, database.hides
            if isinstance(connection, Assisted):
                connection.superuser = database.superuser or ""
            return connection
    raise AssertionError


def _kind(database: Database) -> type[Connection]:
    if database.superuser:
        return Assisted
    return Scoped if database.tenant is not None or database.hides else psycopg.Connection


def _server_behind(database: Database) -> str | None:
    """Return the address of Postgres behind a pooler, which accepts sessions without settings."""
    safeguards = tls.safeguards(database.parameters)
    with (
        suppress(psycopg.Error),
        psycopg.connect(database.url, autocommit=True, **safeguards) as connection,
    ):
        return session(connection).server
    return None
