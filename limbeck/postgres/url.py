"""Parse, check and render the URL of a Postgres database."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from urllib.parse import quote

import psycopg
from psycopg import conninfo, pq

from limbeck.errors import ConfigurationError, InsecureUrlError, PooledUrlError

_HOW_TO_WRITE = (
    "Write postgresql://user:password@host/dbname, and in the password "
    "%40 for @, %2F for /, %3A for :, %3F for ?, %23 for # and %25 for %."
)
_SCHEME = re.compile(r"^(?:postgres|postgresql)(?:\+\w+)?://")


def parse(url: str) -> dict[str, str]:
    """Return the parameters of a URL under libpq's names; libpq itself parses it.

    User, dbname and a missing host are filled in as libpq would (PGHOST ...), so that limbeck
    checks the address that it will connect to. A single `%` and spaces, which libpq refuses, are
    read as themselves.

    Raises:
        ConfigurationError: libpq cannot parse it; the message never repeats the URL.

    """
    try:
        given = {key: str(value) for key, value in conninfo.conninfo_to_dict(_mend(url)).items()}
    except (psycopg.ProgrammingError, UnicodeDecodeError) as error:
        raise _unreadable(url, str(error)) from None
    _refuse_misread(given)
    return _with_defaults(given)


def render(parameters: Mapping[str, str]) -> str:
    """Return a `postgresql://` URL that libpq, psql and SQLAlchemy read as these parameters."""
    rest = dict(parameters)
    user, password, dbname = (rest.pop(key, "") for key in ("user", "password", "dbname"))
    secret = f":{quote(password, safe='')}" if password else ""
    login = f"{quote(user, safe='')}{secret}@" if user or secret else ""
    host, port, netloc = rest.get("host", ""), rest.get("port", ""), ""
    if host and not re.search(r"[/,@]", host):  # sockets and several hosts go into the query
        netloc = (f"[{host}]" if ":" in host else quote(host, safe="")) + (port and f":{port}")
        rest = {key: value for key, value in rest.items() if key not in {"host", "port"}}
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in rest.items())
    return f"postgresql://{login}{netloc}/{quote(dbname, safe='')}{query and '?'}{query}"


def destination(parameters: Mapping[str, str]) -> str:
    """Return `user@host:port/dbname` for messages."""
    return f"{parameters.get('user', '')}@{address(parameters)}/{parameters.get('dbname', '')}"


def address(parameters: Mapping[str, str]) -> str:
    """Return `host:port` for messages, with the folder of the socket for a missing host."""
    host = parameters.get("host") or parameters.get("hostaddr") or "socket"
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{parameters.get('port') or '5432'}"


def redact(text: str, *secrets: str) -> str:
    """Return a text without passwords: those given, and any in a URL or after `password=`."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for spelling in (quote(secret, safe=""), quote(secret), secret):
            text = text.replace(spelling, "***")
    text = re.sub(r"(\w+://[^\s:/@]*):\S*@", r"\1:***@", text)
    return re.sub(r"(password=)('(?:\\.|[^'\\])*'|[^\s&]+)", r"\1***", text)


def is_pooled(parameters: Mapping[str, str]) -> bool:
    """Return whether a host's first label ends in `-pooler`, as those of Neon's PgBouncer do."""
    return any(host.split(".")[0].endswith("-pooler") for host in _hosts(parameters))


def is_local(parameters: Mapping[str, str]) -> bool:
    """Return whether every host is this machine: a socket, localhost, or a loopback address.

    If there is a hostaddr, libpq connects to it, and the host is only a name.
    """
    addresses = [each for each in parameters.get("hostaddr", "").split(",") if each]
    return all(_is_here(host) for host in addresses or _hosts(parameters))


def direct(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters with the direct hosts behind the pooler."""
    split = [host.partition(".") for host in _hosts(parameters)]
    hosts = [label.removesuffix("-pooler") + dot + domain for label, dot, domain in split]
    return {**parameters, "host": ",".join(hosts)}


def pooled(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters with the hosts of Neon's pooler, unchanged for other hosts."""
    split = [host.partition(".") for host in _hosts(parameters)]
    if not all(domain.endswith(".neon.tech") for _, _, domain in split) or is_pooled(parameters):
        return dict(parameters)
    hosts = [f"{label}-pooler{dot}{domain}" for label, dot, domain in split]
    return {**parameters, "host": ",".join(hosts)} if hosts else dict(parameters)


def with_tls(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters, with `sslmode=require` for a remote host without sslmode.

    With the system's root certificates it is `verify-full`: libpq refuses any other.
    """
    if is_local(parameters) or "sslmode" in parameters:
        return dict(parameters)
    system = root_certificate(parameters) == "system"
    return {**parameters, "sslmode": "verify-full" if system else "require"}


def root_certificate(parameters: Mapping[str, str]) -> str | None:
    """Return the root certificate that a URL names, or libpq's variable."""
    return parameters.get("sslrootcert") or os.environ.get("PGSSLROOTCERT")


def refuse_pooler(parameters: Mapping[str, str]) -> None:
    """Refuse the host of a transaction pooler.

    Raises:
        PooledUrlError: a host is a pooler's; the hint gives the direct one.

    """
    if is_pooled(parameters):
        raise PooledUrlError(
            f"{destination(parameters)} is a transaction pooler: it drops timeouts and locks, "
            "so schema changes cannot go through it",
            hint=f"Use the direct host {direct(parameters)['host']}, "
            "or write DIRECT=allow in the profile, and limbeck replaces the host.",
        )


def refuse_plain(parameters: Mapping[str, str]) -> None:
    """Refuse a remote host without TLS.

    Raises:
        InsecureUrlError: libpq would, or might, connect to another machine in plain text.

    """
    mode = parameters.get("sslmode", "prefer")
    if mode in {"require", "verify-ca", "verify-full"} or is_local(parameters):
        return
    raise InsecureUrlError(
        f"{destination(parameters)} is not this machine, and sslmode={mode} "
        "would send the password and the data without TLS",
        hint="Write sslmode=require (or verify-full) in the URL.",
    )


def _hosts(parameters: Mapping[str, str]) -> list[str]:
    return [host for host in parameters.get("host", "").split(",") if host]


def _is_here(host: str) -> bool:
    if host.startswith(("/", "@")) or host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _mend(url: str) -> str:
    text = _SCHEME.sub("postgresql://", url.strip())
    if "://" not in text:
        return text
    text = re.sub(r"(?<=[?&])ssl=(?=require|verify)", "sslmode=", text)  # as asyncpg spells it
    return re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text).replace(" ", "%20")


def _unreadable(url: str, reason: str) -> ConfigurationError:
    scheme = re.match(r"[A-Za-z][\w+.-]*(?=://)", url.strip())
    if scheme and not _SCHEME.match(url.strip()):
        message = f"a {scheme[0]}:// URL is not a URL of Postgres"
        return ConfigurationError(message, hint=_HOW_TO_WRITE)
    unknown = re.search(r'invalid (?:URI query parameter|connection option)[^"]*"(\w+)"', reason)
    if unknown:
        message = f"the URL has a parameter that Postgres does not know: {unknown[1]}"
        return ConfigurationError(message, hint=f"Remove {unknown[1]}=... from the URL.")
    return ConfigurationError("the URL cannot be read", hint=_HOW_TO_WRITE)


def _refuse_misread(parameters: Mapping[str, str]) -> None:
    """Refuse a URL whose parts were shifted by a bare `@`, `/` or `:` in the password.

    The message shows none of them, since any may be a part of the password.
    """
    ports = filter(None, parameters.get("port", "").split(","))
    hosts = _hosts(parameters)
    shifted = not all(port.isdigit() for port in ports)
    shifted |= any("@" in host for host in hosts) or "@" in parameters.get("dbname", "")
    if shifted:
        raise ConfigurationError("the parts of the URL are ambiguous", hint=_HOW_TO_WRITE)
    if "service" in parameters:
        raise ConfigurationError(
            "a URL with service= does not name its server",
            hint="Write the host, the user and the database instead.",
        )


@cache
def _variables() -> tuple[str, ...]:
    """Return the names of the variables that libpq reads."""
    return tuple(each.envvar.decode() for each in pq.Conninfo.get_defaults() if each.envvar)


@lru_cache(maxsize=1)
def _defaults(variables: tuple[str | None, ...]) -> Mapping[str, str]:
    """Return what libpq takes for a parameter that is not given, while the variables are these."""
    del variables
    known = ((each.keyword, each.val) for each in pq.Conninfo.get_defaults())
    return {key.decode(): value.decode() for key, value in known if value}


def _with_defaults(given: Mapping[str, str]) -> dict[str, str]:
    """Add what libpq would take from the environment; a host in the URL wins over it."""
    environment = _defaults(tuple(map(os.environ.get, _variables())))
    parameters = dict(given)
    if not parameters.keys() & {"host", "hostaddr"}:
        names = ("host", "hostaddr", "port")
        parameters |= {
            key: environment[key] for key in names if key in environment and key not in given
        }
    elif environment.get("port", "5432") != "5432":
        parameters.setdefault("port", "5432")  # PGPORT belongs to PGHOST, not to this host
    if environment.get("sslmode", "prefer") != "prefer":
        parameters.setdefault("sslmode", environment["sslmode"])
    parameters.setdefault("user", environment.get("user", ""))
    parameters.setdefault("dbname", environment.get("dbname") or parameters["user"])
    return parameters
