"""Connections: made with the database's timeouts, retried while a compute wakes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import psycopg

from limbeck.errors import LimbeckError, PooledUrlError, UnavailableError
from limbeck.events import Listener, Notice, ignore
from limbeck.postgres import url as urls
from limbeck.postgres.database import Database

if TYPE_CHECKING:
    import sqlalchemy

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]

_CONNECT_TIMEOUT = 15
_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0)  # seconds; what Neon advises while a compute wakes
_READING = "10s"
_PATIENCE = 45.0  # seconds after which no further attempt begins


@dataclass(frozen=True, slots=True)
class Failure:
    """A way in which connecting fails: how the server or libpq words it, and what it means."""

    pattern: str
    message: str
    hint: str
    waking: bool = False
    error: type[LimbeckError] = UnavailableError


@dataclass(frozen=True, slots=True)
class Session:
    """What a session says of itself: where new objects go, how transactions are isolated.

    `read_only` is what its transactions are, `server` the address that Postgres itself has.
    """

    schema: str | None
    isolation: str
    read_only: bool
    server: str | None

    @classmethod
    def read(cls, row: Sequence[object]) -> Session:
        """Return what the columns of SESSION say."""
        schema, isolation, read_only, server = row
        return cls(
            None if schema is None else str(schema),
            str(isolation),
            read_only == "on",
            None if server is None else str(server),
        )


SESSION = """current_schema(), current_setting('transaction_isolation'),
  current_setting('transaction_read_only'),
  host(inet_server_addr()) || ':' || inet_server_port()"""


FAILURES = (
    Failure(
        r"password authentication failed|no password supplied",
        "the password for {user} at {where} is wrong or missing",
        "look at the password in the URL of {name}",
    ),
    Failure(
        r'role "[^"]*" does not exist|role "[^"]*" is not permitted to log in',
        "there is no user {user} who may log in at {where}",
        "look at the user in the URL of {name}",
    ),
    Failure(
        r'database "[^"]*" does not exist',
        "there is no database {dbname} at {where}",
        'create it, CREATE DATABASE "{dbname}", or look at the end of the URL of {name}',
    ),
    Failure(
        r"no pg_hba.conf entry",
        "the server at {where} does not let {user} in from here",
        "the server's pg_hba.conf has no line for this user, database and address",
    ),
    Failure(
        r"unsupported startup parameter",
        "{where} is a transaction pooler: it refuses the timeouts of a session",
        "",
        error=PooledUrlError,
    ),
    Failure(
        r"failed to resolve host|could not translate host name|Name or service not known",
        "the host of {where} is not known",
        "look for a typing error in the URL of {name}, and whether this machine is online",
    ),
    Failure(
        r"certificate|SSL error|does not support SSL|SSL was required|channel binding",
        "TLS with {where} does not come about: {words}",
        "look at sslmode, sslrootcert and channel_binding in the URL of {name}",
    ),
    Failure(
        r"endpoint (?:is )?(?:could not be found|not found)|endpoint ID is not specified",
        "Neon does not know the endpoint of {where}: {words}",
        "look at the host in the URL of {name}: was the branch deleted?",
    ),
    Failure(
        r"Couldn't connect to compute node|Control plane request failed|starting up"
        r"|concurrently active endpoints|remaining connection slots|too many clients already"
        r"|administrator command|server closed the connection unexpectedly",
        "{where} is not ready: {words}",
        "try again in a minute",
        waking=True,
    ),
    Failure(
        r"timeout expired|timed out",
        "{where} does not answer",
        "look at the host and the port in the URL of {name}, and at firewalls in between",
        waking=True,
    ),
    Failure(
        r"Connection refused|No such file or directory|No route to host|Network is unreachable"
        r"|shutting down",
        "no server is listening at {where}",
        "start the server, or look at the host and the port in the URL of {name}",
    ),
)
"""The first whose pattern is found is taken; the words are libpq's, Postgres' and Neon's."""

_UNKNOWN = Failure("", "no connection to {where}: {words}", "look at the URL of {name}")


@contextmanager
def connect(
    database: Database,
    *,
    autocommit: bool = True,
    read_only: bool = False,
    application_name: str = "limbeck",
    listen: Listener = ignore,
) -> Iterator[Connection]:
    """A connection for the length of a block, committed at its end and rolled back on an error.

    Connecting (and nothing else) is tried again while a sleeping compute wakes. The timeouts of
    the database travel in the startup message, so they cost no round trip.

    Raises:
        UnavailableError: no connection; the message says which of the many reasons it is.
        PooledUrlError: the server turns out to be a transaction pooler.
    """
    connection = _open(database, _options(database, read_only=read_only), application_name, listen)
    connection.autocommit = autocommit
    with connection:
        yield connection


@contextmanager
def as_sqlalchemy(
    connection: Connection, session: Session | None = None
) -> Iterator[sqlalchemy.Connection]:
    """SQLAlchemy over this very connection, which stays open and keeps its session afterwards.

    Transactions are SQLAlchemy's inside the block; what is not committed is rolled back. What is
    known of the session already needs no round trip.
    """
    from sqlalchemy import create_engine, pool  # noqa: PLC0415 - slow, and few commands need it

    autocommit = connection.autocommit
    # Without the hstore look-up the first connect costs one round trip less.
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: connection,
        poolclass=pool.StaticPool,
        use_native_hstore=False,
    )
    _tell(engine.dialect, connection, session or _session(connection))
    connection.autocommit = False
    try:
        with engine.connect() as wrapped:
            yield wrapped
    finally:
        if not connection.closed:
            connection.rollback()
            connection.autocommit = autocommit


def refuse_pooler(database: Database, session: Session) -> None:
    """Raise PooledUrlError where what was asked for at the start, to be read-only, does not hold.

    A transaction pooler that is told to ignore what it does not know (PgBouncer's
    ignore_startup_parameters) loses the timeouts of a session as silently.
    """
    if not session.read_only:
        where = urls.address(database.parameters)
        raise PooledUrlError(
            f"{where} is a transaction pooler: it ignores the settings of a session",
            hint=_direct(session.server),
        )


def _direct(server: str | None) -> str:
    at = f", which says it is at {server}" if server else ""
    return f"use the URL of the Postgres server behind the pooler{at}"


def _session(connection: Connection) -> Session:
    (row,) = connection.execute(f"SELECT {SESSION}".encode()).fetchall()
    return Session.read(row)


def _tell(dialect: sqlalchemy.Dialect, connection: Connection, session: Session) -> None:
    """Answer what SQLAlchemy would ask at its first connect, in five round trips."""
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
    """The `options` of the startup message; the last of two equal settings holds."""
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    # Who only reads stops nobody while he waits, so he may wait a little longer.
    patient = replace(database, lock_timeout=_READING) if read_only else database
    settings = [(name, getattr(patient, name)) for name in names]
    chosen = [f"-c {name}={value}" for name, value in settings if value is not None]
    own = database.parameters.get("options")
    return " ".join([*chosen, *([own] if own else []), *_READ_ONLY[:read_only]])


_READ_ONLY = ["-c default_transaction_read_only=on"]


def _open(database: Database, options: str, application_name: str, listen: Listener) -> Connection:
    began = time.monotonic()
    for delay in (*_DELAYS, None):
        try:
            return psycopg.connect(
                database.url,
                application_name=application_name,
                connect_timeout=_CONNECT_TIMEOUT,
                options=options,
                autocommit=True,
                prepare_threshold=None,
            )
        except psycopg.Error as error:
            failure, words = _recognise(error)
            if failure.error is PooledUrlError:
                failure = replace(failure, hint=_direct(_server_behind(database)))
            late = time.monotonic() - began > _PATIENCE
            if delay is None or late or not failure.waking:
                raise _translated(database, failure, words) from None
            listen(Notice(f"{database.name}: waiting for {database.destination}: {words}"))
            time.sleep(delay)
    raise AssertionError


def _server_behind(database: Database) -> str | None:
    """Ask through a pooler where Postgres itself is; it takes a connection without settings."""
    with suppress(psycopg.Error), psycopg.connect(database.url, autocommit=True) as connection:
        return _session(connection).server
    return None


def _recognise(error: psycopg.Error) -> tuple[Failure, str]:
    text = str(error)
    found = (each for each in FAILURES if re.search(each.pattern, text, re.IGNORECASE))
    return next(found, _UNKNOWN), _first_words(text)


def _first_words(text: str) -> str:
    """What the server said, without libpq's account of how it got there."""
    first = text.strip().splitlines()[0] if text.strip() else "no reason was given"
    return re.sub(r"^.*?(?:FATAL|ERROR):\s+|^connection failed: .*? failed: ", "", first)


def _translated(database: Database, failure: Failure, words: str) -> LimbeckError:
    parameters = database.parameters
    facts = {
        "name": database.name,
        "user": parameters.get("user", ""),
        "dbname": parameters["dbname"],
        "where": urls.address(parameters),
        "words": database.redact(words),
    }
    return failure.error(failure.message.format(**facts), hint=failure.hint.format(**facts))
