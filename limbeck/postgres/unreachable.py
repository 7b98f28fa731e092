"""Why there is no connection: what Postgres, libpq and Neon say, and what it means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from limbeck.dataclass import dataclass
from limbeck.errors import LimbeckError, PooledUrlError, UnavailableError
from limbeck.postgres import url as urls
from limbeck.postgres.database import Database

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True, slots=True)
class Failure:
    """A reason why connecting fails: its words in Postgres, libpq or Neon, and what it means."""

    pattern: str
    message: str
    hint: str
    waking: bool = False
    error: type[LimbeckError] = UnavailableError


FAILURES = (
    Failure(
        r"password authentication failed|no password supplied",
        "the password for {user} at {where} is wrong or missing",
        "Check the password in the URL of {name}.",
    ),
    Failure(
        r'role "[^"]*" does not exist|role "[^"]*" is not permitted to log in',
        "there is no user {user} who may log in at {where}",
        "Check the user in the URL of {name}.",
    ),
    Failure(
        r'database "[^"]*" does not exist',
        "there is no database {dbname} at {where}",
        'Run CREATE DATABASE "{dbname}", or check the end of the URL of {name}.',
    ),
    Failure(
        r"no pg_hba.conf entry",
        "the server at {where} does not accept {user} from this address",
        "Add a line for this user, database and address to the server's pg_hba.conf.",
    ),
    Failure(
        r"unsupported startup parameter",
        "{where} is a transaction pooler: it refuses the timeouts of a session",
        "",
        error=PooledUrlError,
    ),
    Failure(
        r"failed to resolve host|could not translate host name|Name or service not known",
        "the host of {where} cannot be resolved",
        "Check the host in the URL of {name}, and whether this machine is online.",
    ),
    Failure(
        r"authentication method requirement",
        "{where} does not use SCRAM, so limbeck did not send the password: {words}",
        "If it is the right server, write sslmode=verify-full, or require_auth=md5 (or what the "
        "server uses), in the URL of {name}.",
    ),
    Failure(
        r"certificate|SSL error|does not support SSL|SSL was required|channel binding",
        "TLS with {where} fails: {words}",
        "Check sslmode, sslrootcert and channel_binding in the URL of {name}.",
    ),
    Failure(
        r"endpoint (?:is )?(?:could not be found|not found)|endpoint ID is not specified",
        "Neon does not know the endpoint of {where}: {words}",
        "Check the host in the URL of {name}: the branch may have been deleted.",
    ),
    Failure(
        r"Couldn't connect to compute node|Control plane request failed|starting up"
        r"|concurrently active endpoints|remaining connection slots|too many clients already"
        r"|administrator command|server closed the connection unexpectedly",
        "{where} is not ready: {words}",
        "Try again in a minute.",
        waking=True,
    ),
    Failure(
        r"timeout expired|timed out",
        "{where} does not answer",
        "Check the host and the port in the URL of {name}, and firewalls in between.",
        waking=True,
    ),
    Failure(
        r"Connection refused|No such file or directory|No route to host|Network is unreachable"
        r"|shutting down",
        "no server is listening at {where}",
        "Start the server, or check the host and the port in the URL of {name}.",
    ),
)
"""The first with a matching pattern counts."""

_UNKNOWN = Failure("", "no connection to {where}: {words}", "Check the URL of {name}.")


def recognised(error: psycopg.Error) -> tuple[Failure, str]:
    """Return the reason of an error, and the server's own words."""
    text = str(error)
    matching = (each for each in FAILURES if re.search(each.pattern, text, re.IGNORECASE))
    return next(matching, _UNKNOWN), _first_words(text)


def _first_words(text: str) -> str:
    """Return the server's own words, without the addresses that libpq tried."""
    first = text.strip().splitlines()[0] if text.strip() else "no reason was given"
    return re.sub(r"^.*?(?:FATAL|ERROR):\s+|^connection failed: .*? failed: ", "", first)


def translated(database: Database, failure: Failure, words: str) -> LimbeckError:
    """Return the error that says what is wrong with which database, and what to do."""
    parameters = database.parameters
    facts = {
        "name": database.name,
        "user": parameters.get("user", ""),
        "dbname": parameters["dbname"],
        "where": urls.address(parameters),
        "words": database.redact(words),
    }
    return failure.error(failure.message.format(**facts), hint=failure.hint.format(**facts))
