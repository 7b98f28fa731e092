"""From any spelling of a URL to a database that schema changes may be sent to."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import conninfo
from sqlalchemy import make_url

from limbeck.errors import ConfigurationError, InsecureUrlError, PooledUrlError, UnavailableError
from limbeck.events import Event, Notice
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.postgres.url import redact


@pytest.fixture(autouse=True, scope="module")
def plain_environment() -> Iterator[None]:
    """Nothing of the machine's own PGHOST, PGPORT ... reaches these tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("PG")]:
            patch.delenv(name)
        yield


SPELLINGS = {
    "the plain one": ("postgresql://u:p@h/d", "postgresql://u:p@h/d?sslmode=require"),
    "Heroku's scheme": ("postgres://u:p@h/d", "postgresql://u:p@h/d?sslmode=require"),
    "SQLAlchemy's scheme": ("postgresql+psycopg://u:p@h/d", "postgresql://u:p@h/d?sslmode=require"),
    "asyncpg's ssl": (
        "postgresql+asyncpg://u:p@h/d?ssl=verify-full",
        "postgresql://u:p@h/d?sslmode=verify-full",
    ),
    "a newline from a file": ("postgres://u:p@h/d\n", "postgresql://u:p@h/d?sslmode=require"),
    "an encoded %": ("postgres://u:a%25b@localhost/d", "postgresql://u:a%25b@localhost/d"),
    "a bare %": ("postgres://u:a%b@localhost/d", "postgresql://u:a%25b@localhost/d"),
    "a bare % at the end": ("postgres://u:ab%@localhost/d", "postgresql://u:ab%25@localhost/d"),
    "an encoded space": ("postgres://u:a%20b@localhost/d", "postgresql://u:a%20b@localhost/d"),
    "a bare space": ("postgres://u:a b@localhost/d", "postgresql://u:a%20b@localhost/d"),
    "a plus is a plus": ("postgres://u:a+b@localhost/d", "postgresql://u:a%2Bb@localhost/d"),
    "Neon's endpoint option": (
        "postgres://u:p@h/d?sslmode=require&options=endpoint%3Dep-x",
        "postgresql://u:p@h/d?sslmode=require&options=endpoint%3Dep-x",
    ),
    "channel binding": (
        "postgresql://u:p@h/d?sslmode=require&channel_binding=require",
        "postgresql://u:p@h/d?sslmode=require&channel_binding=require",
    ),
    "IPv6": ("postgres://u@[::1]:5433/d", "postgresql://u@[::1]:5433/d"),
    "a socket in the host": ("postgres://u@%2Frun%2Fpg/d", "postgresql://u@/d?host=%2Frun%2Fpg"),
    "a socket in the query": (
        "postgres://u@/d?host=/run/pg&port=5433",
        "postgresql://u@/d?host=%2Frun%2Fpg&port=5433",
    ),
    "key=value": (
        "host=localhost user=u password='a b' dbname=d",
        "postgresql://u:a%20b@localhost/d",
    ),
    "several hosts": (
        "postgres://u@a:1,b:2/d",
        "postgresql://u@/d?host=a%2Cb&port=1%2C2&sslmode=require",
    ),
    "no database": ("postgres://u@localhost", "postgresql://u@localhost/u"),
}


@pytest.mark.parametrize(("given_url", "normal"), SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_has_one_normal_form(given_url: str, normal: str) -> None:
    database = Database.from_url("x", given_url)
    assert set(parts(database.url)) == set(parts(normal))
    assert Database.from_url("x", database.url) == database


def parts(url: str) -> list[str]:
    """The text before the query, and each of the query's pairs: their order is free."""
    base, _, query = url.partition("?")
    return [base, *query.split("&")]


DESTINATIONS = {
    "postgres://u:p@h.example:6000/d": "u@h.example:6000/d",
    "postgres://u:p@h.example/d": "u@h.example:5432/d",
    "postgres://u:p@[::1]/d": "u@[::1]:5432/d",
    "postgres://u:p@/d?host=/run/pg": "u@/run/pg:5432/d",
    "postgres://us%20er:p@localhost/a%2Fb": "us er@localhost:5432/a/b",
}


@pytest.mark.parametrize(("url", "shown"), DESTINATIONS.items())
def test_a_destination_is_for_people(url: str, shown: str) -> None:
    assert Database.from_url("x", url).destination == shown


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
hosts = st.sampled_from(["localhost", "db.example.com", "10.0.0.7", "::1", "2001:db8::7"])
queries = st.fixed_dictionaries(
    {},
    optional={
        "options": texts,
        "application_name": texts,
        "sslmode": st.sampled_from(["require", "verify-ca", "verify-full"]),
        "channel_binding": st.sampled_from(["prefer", "require"]),
        "connect_timeout": st.integers(1, 99).map(str),
    },
)


@given(user=texts, secret=texts, host=hosts, dbname=texts, query=queries)
def test_no_parameter_is_lost_and_the_password_is_never_shown(
    user: str, secret: str, host: str, dbname: str, query: dict[str, str]
) -> None:
    password = f"hunter2-{secret}"
    if "@" in dbname:  # refused: it looks like a password that was not encoded
        dbname = dbname.replace("@", "a")
    url = spell(user, password, host, dbname, query)
    database = Database.from_url("x", url)
    wanted = {"user": user, "password": password, "host": host, "dbname": dbname} | query
    if host not in {"localhost", "::1"}:
        wanted.setdefault("sslmode", "require")
    assert conninfo.conninfo_to_dict(database.url) == wanted
    assert through_sqlalchemy(database.url) == wanted
    for shown in (repr(database), database.destination, str(database)):
        assert "hunter2" not in shown
    assert password not in database.redact(f"{url} {database.url} {password}")


def spell(user: str, password: str, host: str, dbname: str, query: dict[str, str]) -> str:
    """A URL of these parts."""
    safe = [quote(each, safe="") for each in (user, password, dbname)]
    netloc = f"[{host}]" if ":" in host else host
    pairs = "&".join(f"{key}={quote(value, safe='')}" for key, value in query.items())
    return f"postgresql://{safe[0]}:{safe[1]}@{netloc}/{safe[2]}?{pairs}"


def through_sqlalchemy(url: str) -> dict[str, object]:
    """The parameters as SQLAlchemy hands them to psycopg."""
    made = make_url(url)
    names = {"username": "user", "database": "dbname"}
    return {names.get(key, key): value for key, value in made.translate_connect_args().items()} | {
        **made.query
    }


UNUSABLE = {
    "mysql://u:hunter2@h/d": "mysql:// URL is not a URL of Postgres",
    "sqlite:///hunter2.db": "sqlite:// URL is not a URL of Postgres",
    "hunter2": "cannot be read",
    "postgres://u:hunter2/x@h/d": "are ambiguous",
    "postgres://u:hunter2@x@h/d": "are ambiguous",
    "postgres://u:hunter2:x@h/d?a": "cannot be read",
    "postgres://u:hunter2@h/d?schema=public": "parameter that Postgres does not know: schema",
    "postgres://u:hunter2@h:port/d": "are ambiguous",
    "postgres://u:hunter2@/d?service=prod": "does not name its server",
    "postgres://u:hunter2%FF@h/d": "cannot be read",
    "postgres://u:hunter2@[::1/d": "cannot be read",
}


@pytest.mark.parametrize(("url", "message"), UNUSABLE.items())
def test_an_unusable_url_is_explained_without_repeating_it(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Database.from_url("x", url)
    assert message in caught.value.message
    assert caught.value.hint
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


POOLED = "postgres://u:hunter2@ep-cool-1-pooler.eu.aws.neon.tech/d"


def test_a_pooled_host_is_refused_with_the_direct_one_in_the_hint() -> None:
    for make in (lambda: Database.from_url("x", POOLED), lambda: Database("x", POOLED)):
        with pytest.raises(PooledUrlError) as caught:
            make()
        assert "ep-cool-1.eu.aws.neon.tech" in str(caught.value.hint)
        assert "hunter2" not in caught.value.message


def test_a_pooled_host_is_changed_only_when_allowed_and_aloud() -> None:
    heard: list[Event] = []
    database = Database.from_url("x", POOLED, allow_pooled_rewrite=True, listen=heard.append)
    assert database.destination == "u@ep-cool-1.eu.aws.neon.tech:5432/d"
    assert [type(event) for event in heard] == [Notice]
    assert "ep-cool-1.eu.aws.neon.tech" in str(heard[0])


@pytest.mark.parametrize("host", ["my-pooler-db.example", "db.x-pooler.example", "pooler.example"])
def test_only_a_first_label_that_ends_in_pooler_is_a_pooler(host: str) -> None:
    assert Database.from_url("x", f"postgres://u@{host}/d").parameters["host"] == host


HERE = ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "[::1]", "%2Frun%2Fpg", ""]
ELSEWHERE = ["db.example", "10.0.0.1", "[2001:db8::1]", "localhost.example", "127.0.0.1.example"]
WEAK, STRONG = ["disable", "allow", "prefer", "nonsense"], ["require", "verify-ca", "verify-full"]


@pytest.mark.parametrize("host", HERE)
@pytest.mark.parametrize("mode", ["disable", "prefer", *STRONG])
def test_this_machine_needs_no_tls(host: str, mode: str) -> None:
    assert Database.from_url("x", f"postgres://u@{host}/d?sslmode={mode}")
    assert "sslmode" not in Database.from_url("x", f"postgres://u@{host}/d").parameters


@pytest.mark.parametrize("host", ELSEWHERE)
def test_another_machine_needs_tls(host: str) -> None:
    assert Database.from_url("x", f"postgres://u@{host}/d").parameters["sslmode"] == "require"
    for mode in STRONG:
        url = f"postgres://u@{host}/d?sslmode={mode}"
        assert Database.from_url("x", url).parameters["sslmode"] == mode
    for mode in WEAK:
        with pytest.raises(InsecureUrlError, match=mode):
            Database.from_url("x", f"postgres://u@{host}/d?sslmode={mode}")


@pytest.mark.parametrize(
    "url", ["postgres://u@localhost/d?hostaddr=10.0.0.1", "postgres://u@localhost,db.example/d"]
)
def test_one_remote_address_among_local_ones_needs_tls(url: str) -> None:
    with pytest.raises(InsecureUrlError):
        Database("x", url)
    assert Database.from_url("x", url).parameters["sslmode"] == "require"


def test_a_host_from_the_environment_is_guarded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "ep-x-pooler.neon.tech")
    with pytest.raises(PooledUrlError):
        Database.from_url("x", "postgres://u@/d")
    monkeypatch.setenv("PGHOST", "db.example")
    monkeypatch.setenv("PGPORT", "6000")
    database = Database.from_url("x", "postgres://u@/d")
    assert database.destination == "u@db.example:6000/d"
    assert database.parameters["sslmode"] == "require"


def test_the_environment_neither_moves_nor_weakens_a_written_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPORT", "6000")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    database = Database.from_url("x", "postgres://u@db.example/d")
    assert database.parameters["port"] == "5432"
    assert database.parameters["sslmode"] == "verify-full"
    monkeypatch.setenv("PGSSLMODE", "disable")
    with pytest.raises(InsecureUrlError):
        Database.from_url("x", "postgres://u@db.example/d")


def test_another_database_on_the_same_server_keeps_everything_else() -> None:
    one = Database.from_url("x", "postgres://u:p@localhost/d?options=-c%20a.b%3Dc", protected=True)
    other = one.on("o ther", name="scratch")
    assert (other.name, other.dbname, other.protected) == ("scratch", "o ther", True)
    assert other.parameters == one.parameters | {"dbname": "o ther"}


def test_a_copy_of_a_database_passes_the_same_guards() -> None:
    one = Database.from_url("x", "postgres://u:p@localhost/d")
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own bytes
    with pytest.raises(PooledUrlError):
        replace(one, url=POOLED)


REDACTED = {
    "at postgres://u:hunter2@h/d now": "at postgres://u:***@h/d now",
    "password=hunter2 host=h": "password=*** host=h",
    "password='hun ter2' host=h": "password=*** host=h",
    "postgresql+psycopg://u:hun/ter2@h": "postgresql+psycopg://u:***@h",
    "nothing to hide at postgres://u@h/d": "nothing to hide at postgres://u@h/d",
}


@pytest.mark.parametrize(("text", "shown"), REDACTED.items())
def test_passwords_are_taken_out_of_texts(text: str, shown: str) -> None:
    assert redact(text) == shown


UNREACHABLE = {
    "nothing listens": ("postgres://u:hunter2@127.0.0.1:1/d", "no server is listening at 127"),
    "no such socket": ("postgres://u:hunter2@/d?host=/nowhere", "no server is listening at /now"),
    "no such host": (
        "postgres://u:hunter2@h.invalid/d",
        "the host of h.invalid:5432 cannot be resolved",
    ),
}


@pytest.mark.parametrize(("url", "message"), UNREACHABLE.values(), ids=UNREACHABLE)
def test_an_unreachable_server_is_told_apart_from_other_troubles(url: str, message: str) -> None:
    database = Database.from_url("qa", url)
    with pytest.raises(UnavailableError) as caught, connect(database):
        pytest.fail("connected")
    assert message in caught.value.message
    assert "qa" in str(caught.value.hint)
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"
