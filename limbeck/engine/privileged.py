"""The few statements on a scratch database that its owner may not run, and a superuser does.

Scratch databases of the embedded server belong to a role without rights on the machine (see
`postgres/embedded/shadow_role.py`). Some statements need a superuser although they harm nobody.
Each of them becomes the body of a procedure that belongs to the superuser, and the session calls
it: the statement stays in its transaction, and nothing else runs with these rights.
"""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import psycopg

from limbeck.postgres.connect import Assisted
from limbeck.postgres.embedded.cluster import SHADOW_USER
from limbeck.postgres.embedded.shadow_role import EVENT_TRIGGERS_OFF
from limbeck.schema.sql import lexer
from limbeck.schema.sql.quoting import dollar_quoted, literal, unquote

if TYPE_CHECKING:
    import sqlalchemy

EXTENSIONS: Final = {
    # Data types, operators and index methods in C that compute with their arguments only.
    **dict.fromkeys(("bloom", "vector"), 14),
    # Before, its script has a literal of the type cube, which may be somebody else's.
    "earthdistance": 18,
    # Triggers that set a column of the row that is written.
    **dict.fromkeys(("autoinc", "insert_username", "moddatetime"), 14),
    # Statistics and checks. Functions that read pages belong to the superuser, and PUBLIC may not
    # execute them.
    **dict.fromkeys(("amcheck", "pg_buffercache", "pg_freespacemap", "pg_prewarm"), 14),
    **dict.fromkeys(("pg_stat_statements", "pg_visibility", "pgrowlocks", "pgstattuple"), 14),
}
"""Extensions whose control file is not `trusted`, and the major since which a scratch database may
have them.

Their scripts only create objects, and evaluate nothing that somebody could have replaced. Those
that are trusted (citext, hstore, pg_trgm, pgcrypto, plperl and so on) need no help.
"""
REFUSED: Final = {
    "adminpack": "it writes files",
    "dblink": "it reaches other databases, whose functions may run with more rights",
    "file_fdw": "it reads files and runs programs",
    "pageinspect": "it reads memory as its arguments say",
    "pg_surgery": "it destroys rows",
    "plperlu": "its functions run programs",
    "plpython3u": "its functions run programs",
    "pltclu": "its functions run programs",
    "postgres_fdw": "it reaches other databases, whose functions may run with more rights",
    "refint": "its C code trusts the lengths of its arguments",
    "xml2": "it hands documents to a library that can read files",
}
"""Why some others are not in the list; what is in neither has not been looked at."""

# Every token is one of these, so that Postgres reads the statement as the lexer does, whatever
# standard_conforming_strings is: no backslash, no escape, no dollar sign, no second statement.
_PLAIN: Final = re.compile(r"""[A-Za-z_][A-Za-z0-9_]*|"[^"\\%]+"|'[^'\\%]*'|[0-9.]+|[.,()=]""")
_DENIED: Final = re.compile(r"permission denied|[Mm]ust be superuser|only superuser")
_EXTENSION: Final = re.compile(r'create extension "([^"]+)"')
_SET_ROLE: Final = re.compile(r'must be able to SET ROLE "([^"]+)"')


@contextmanager
def rewriting(connection: psycopg.Connection[Any]) -> Iterator[Callable[[str], str]]:
    """Yield a function that replaces such statements of a text with calls.

    On other connections it changes nothing.
    """
    with ExitStack() as stack:
        if not isinstance(connection, Assisted):
            yield lambda text: text
            return
        hand = _Hand(connection, stack)
        yield hand.rewritten


@contextmanager
def assisting(connection: psycopg.Connection[Any], target: sqlalchemy.Connection) -> Iterator[None]:
    """Replace such statements in what SQLAlchemy sends inside of the block."""
    from sqlalchemy import event  # noqa: PLC0415 - slow, and the caller has imported it

    with rewriting(connection) as rewritten:
        if isinstance(connection, Assisted):

            def rewrite(*given: Any) -> tuple[str, Any]:
                return rewritten(given[2]), given[3]

            event.listen(target.engine, "before_cursor_execute", rewrite, retval=True)
        yield


def execute(connection: psycopg.Connection[Any], text: str) -> None:
    """Execute a text without parameters, as its statements allow."""
    with rewriting(connection) as rewritten:
        connection.execute(rewritten(text).encode())


def hint(message: str) -> str | None:
    """Return what to do about a statement that only a superuser may run; None for other errors."""
    if match := _SET_ROLE.search(message):
        return f'Run this once on the shadow server: GRANT "{match[1]}" TO {SHADOW_USER}.'
    if "permission denied to create role" in message:
        return "Create the role once on the shadow server, as its superuser."
    if not _DENIED.search(message):
        return None
    match = _EXTENSION.search(message)
    why = f" because {REFUSED[match[1]]}" if match and match[1] in REFUSED else ""
    return (
        f"limbeck does not run this as a superuser{why}. If you trust the SQL, set "
        "SHADOW_DATABASE_URL to a server of yours, with the URL of a superuser."
    )


class _Hand:
    """The superuser's procedures for one session; they are dropped with the stack."""

    def __init__(self, connection: Assisted, stack: ExitStack) -> None:
        self.connection = connection
        self.version = connection.info.server_version // 10000
        self._stack = stack
        self._superuser: psycopg.Connection[Any] | None = None

    def rewritten(self, text: str) -> str:
        """Return a text in which calls replace the statements that a superuser has to run."""
        # Most texts have none of these words, which is seen without reading their tokens.
        if not re.search(r"\b(?:EXTENSION|EVENT|PUBLICATION|OWNER)\b", text, re.IGNORECASE):
            return text
        plain = lexer.statements(text)
        changed = [self._statement(statement) for statement in plain]
        return text if changed == plain else ";\n".join(changed)

    def _statement(self, statement: str) -> str:
        words = lexer.words(statement)
        if words[:1] == ["ALTER"] and words[-3:-1] == ["OWNER", "TO"]:
            return _tried(statement)
        tokens = [text for _, text, _ in lexer.tokens(statement)]
        if not all(map(_PLAIN.fullmatch, tokens)) or not self._is_harmless(words):
            return statement
        return f"CALL pg_catalog.{self._procedure(' '.join(tokens))}()"

    def _is_harmless(self, words: list[str]) -> bool:
        match words:
            case ["CREATE", "EVENT", "TRIGGER", *_]:
                # Before 17 nothing keeps it from firing for the superuser.
                return self.version >= EVENT_TRIGGERS_OFF
            case ["CREATE" | "ALTER", "PUBLICATION", _, *rest]:
                # The condition of a row filter may call functions.
                return bool({"ALL", "SCHEMA"} & {*rest}) and "WHERE" not in rest
            case ["CREATE", "EXTENSION", "IF", "NOT", "EXISTS", name, *_]:
                return self._may_have(name)
            case ["CREATE", "EXTENSION", name, *_] | ["ALTER", "EXTENSION", name, "UPDATE", *_]:
                return self._may_have(name)
            case ["ALTER", "EXTENSION", _, "SET", "SCHEMA", _]:
                return True  # its members belong to the superuser, even those of a trusted one
        return False

    def _may_have(self, word: str) -> bool:
        name = unquote(word) if word.startswith('"') else word.lower()
        return self.version >= EXTENSIONS.get(name, sys.maxsize)

    def _procedure(self, statement: str) -> str:
        """Create the procedure that runs one statement, and return its name."""
        name = f"limbeck_{secrets.token_hex(8)}"
        self._connected().execute(self._definition(name, statement).encode())
        self._stack.callback(self._drop, name)
        return name

    def _drop(self, name: str) -> None:
        with suppress(psycopg.Error):  # where the server is gone, so is the scratch database soon
            self._connected().execute(f"DROP PROCEDURE pg_catalog.{name}()".encode())

    def _definition(self, name: str, statement: str) -> str:
        # The caller's search_path counts for the names in the statement, so that everything else
        # has to be qualified: an operator "=" of the caller would run with these rights.
        owner = (
            self._connected()
            .execute("SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %s", [SHADOW_USER])
            .fetchone()
        )
        change = "".join(
            f"  UPDATE pg_catalog.{table} SET {column} = {owner[0] if owner else 0}\n"
            f"  WHERE {column} OPERATOR(pg_catalog.=) 10::pg_catalog.oid"
            f" AND oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid;\n"
            for table, column in _OWNED
        )
        off = " SET event_triggers TO off" if self.version >= EVENT_TRIGGERS_OFF else ""
        body = f"BEGIN\n  EXECUTE {literal(statement)};\n{change}END"
        return (
            f"CREATE PROCEDURE pg_catalog.{name}() LANGUAGE plpgsql "
            f"SECURITY DEFINER SET standard_conforming_strings TO on{off} AS {literal(body)}"
        )

    def _connected(self) -> psycopg.Connection[Any]:
        """Return a session of the superuser, in which nothing of the database's owner runs."""
        if self._superuser is None:
            # An event trigger ON login, or a search_path that the owner has set for the database.
            off = "-c event_triggers=off" if self.version >= EVENT_TRIGGERS_OFF else ""
            self._superuser = self._stack.enter_context(
                psycopg.connect(
                    self.connection.superuser,
                    autocommit=True,
                    application_name="limbeck",
                    options=f"-c search_path=pg_catalog {off}",
                )
            )
        return self._superuser


_OWNED: Final = (
    ("pg_event_trigger", "evtowner"),
    ("pg_extension", "extowner"),
    ("pg_publication", "pubowner"),
)
"""What such statements create, to be altered and dropped by the owner of the database later.

ALTER ... OWNER TO refuses a role that is no superuser for the first and the last, and extensions
have no such command.
"""


def _tried(statement: str) -> str:
    """Return a change of owner that may be refused: owners differ on each server.

    The new owner needs CREATE on the schema, unless a superuser runs the statement.
    """
    body = f"BEGIN\n{statement};\nEXCEPTION WHEN insufficient_privilege THEN NULL; END"
    return f"DO {dollar_quoted(body)}"
