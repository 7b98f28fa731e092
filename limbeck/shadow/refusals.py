"""Create the models without the indexes and constraints that Postgres refuses.

A history cannot have such an object, either, so that nothing is missed where it is left out. A
table or a type may be there in another form: whoever leaves it out would have it dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine import privileged
from limbeck.history.accepted import REFUSED, Entry
from limbeck.postgres.connect import Connection

_TABLE: Final = re.compile(
    r"\s*CREATE TABLE (?P<table>.+?) \(\n\t(?P<body>.*)\n\)(?P<tail>.*)", re.DOTALL
)
_CONSTRAINT: Final = re.compile(r"(?:CONSTRAINT|FOREIGN KEY|CHECK|UNIQUE|EXCLUDE)\b")
_BESIDE: Final = re.compile(
    r"\s*(?:CREATE (?:UNIQUE )?(?P<index>INDEX \S+) ON (?P<on>\S+)"
    r"|ALTER TABLE (?P<altered>\S+) ADD (?P<added>CONSTRAINT \S+|FOREIGN KEY|CHECK|UNIQUE|EXCLUDE)"
    r"|COMMENT ON (?P<comment>CONSTRAINT \S+) ON (?P<commented>\S+))"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An index or a constraint that Postgres refuses, its SQL, and what Postgres says of it."""

    object: str
    text: str
    message: str

    def entry(self, reason: str = "") -> Entry:
        """Return the entry of accepted.toml that leaves the object out."""
        return Entry(self.object, REFUSED, None, self.text, reason)


class RefusedError(Exception):
    """Postgres refuses a statement of the models."""

    def __init__(self, message: str, statement: str) -> None:
        super().__init__(message)
        self.message = message
        self.statement = statement


Judge = Callable[[Refusal], bool]
"""Returns whether the models are created without an object."""


def create(connection: Connection, statements: Iterable[str], may_leave_out: Judge) -> None:
    """Run the statements that create the models, in a transaction of the caller.

    Raises:
        RefusedError: Postgres refuses something that may not be left out.

    """
    with privileged.rewriting(connection) as rewritten:
        for statement in statements:
            try:
                with connection.transaction():
                    connection.execute(rewritten(statement).encode())
            except psycopg.Error as error:
                refused = _beside(statement, str(error).strip())
                if refused is None and (match := _TABLE.match(statement)):
                    left_out = _create_table(connection, match, may_leave_out)
                else:
                    left_out = refused is not None and may_leave_out(refused)
                if not left_out:
                    raise RefusedError(str(error).strip(), statement) from error


def _beside(statement: str, message: str) -> Refusal | None:
    """Return what a statement adds to a table that is there; None if it adds something else."""
    if not (match := _BESIDE.match(statement)):
        return None
    kind = match["index"] or match["added"] or match["comment"]
    table = match["on"] or match["altered"] or match["commented"]
    return Refusal(f"{_named(kind)} of table {table}", _line(statement), message)


def _create_table(connection: Connection, table: re.Match[str], may_leave_out: Judge) -> bool:
    """Create a table without constraints that Postgres refuses; return whether that is right."""
    clauses = re.split(r", \n\t", table["body"])
    plain = [clause for clause in clauses if not _CONSTRAINT.match(clause)]
    constraints = [clause for clause in clauses if _CONSTRAINT.match(clause)]
    if _refusal(connection, _text(table, plain)) is not None:
        return False
    refused = {}
    for clause in constraints:
        if (message := _refusal(connection, _text(table, [*plain, clause]))) is None:
            continue
        name = f"{_name(clause)} of table {table['table']}"
        refused[clause] = Refusal(name, _line(clause), message)
    if not refused or not all(map(may_leave_out, refused.values())):
        return False
    connection.execute(_text(table, [each for each in clauses if each not in refused]).encode())
    return True


def _refusal(connection: Connection, statement: str) -> str | None:
    """Return why Postgres refuses a statement, which takes no effect; None if it does not."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement.encode())
    except psycopg.Error as error:
        return str(error).strip()
    return None


def _text(table: re.Match[str], clauses: Sequence[str]) -> str:
    return f"CREATE TABLE {table['table']} (\n\t{', '.join(clauses)}\n){table['tail']}"


def _name(clause: str) -> str:
    """Return the constraint's name; without one, what it says."""
    match = re.match(r"CONSTRAINT (\S+)", clause)
    return f"constraint {match[1]}" if match else f"constraint {_line(clause)}"


def _named(kind: str) -> str:
    word, _, name = kind.partition(" ")
    return f"{word.lower()} {name}" if word in {"INDEX", "CONSTRAINT"} else f"constraint {kind}"


def _line(statement: str) -> str:
    return " ".join(statement.split())
