"""A change of type that Postgres cannot do, or does as the session is set, is asked about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from limbeck import generate
from limbeck.engine import running
from limbeck.errors import ConfigurationError, NotConfirmedError
from limbeck.postgres.connect import connect
from tests.postgres.conftest import Work

if TYPE_CHECKING:
    import psycopg

    from limbeck.history.revisions import Revision
    from limbeck.postgres.database import Database
    from limbeck.settings import Project

MODEL = """
from sqlalchemy import *
from sqlalchemy.dialects.postgresql import UUID

metadata = MetaData()
Table("t", metadata, Column("id", Integer, primary_key=True), Column("v", {}))
"""


@dataclass(frozen=True, slots=True)
class Case:
    """Two types of a column, the expression between them, and what becomes of a value.

    `asks` is in the question, `back` is the value after the downgrade; None where it fails.
    """

    before: str
    after: str
    asks: str
    using: str
    value: str
    becomes: str
    back: str | None = None


CUT = "lpad(v::text, 32, '0')::uuid"
SEVEN = "00000000-0000-0000-0000-000000000007"
UTC = "v AT TIME ZONE 'UTC'"
FORMAT = "to_date(v, 'DD.MM.YYYY')"
NONE, ZONE, STYLE = "no such cast", "TimeZone", "DateStyle"
# The answers are those of a session in New York, four hours behind UTC.
CASES = (
    Case("Integer", "UUID", NONE, CUT, "7", SEVEN),
    Case(
        *("DateTime", "DateTime(True)", ZONE, UTC),
        *("2026-07-01 12:00", "2026-07-01 08:00:00-04", "2026-07-01 12:00:00"),
    ),
    Case(
        *("Date", "DateTime(True)", ZONE, "v::timestamp AT TIME ZONE 'UTC'"),
        *("2026-07-01", "2026-06-30 20:00:00-04", "2026-07-01"),
    ),
    Case("Text", "Date", STYLE, FORMAT, "02.01.2026", "2026-01-02", "2026-01-02"),
)


def _begun(work: Work, type_: str) -> Revision:
    """Record the table with a column of a type of SQLAlchemy, as its models create it."""
    column = getattr(sa, type_)().compile(dialect=postgresql.dialect())
    create = f"CREATE TABLE t (id serial PRIMARY KEY, v {column})"
    return work.revision("t", create, "DROP TABLE t")


def _models(work: Work, type_: str) -> Project:
    """Return the project with a table of one column beside its key."""
    name = f"models_{len(list(work.project.root.glob('*.py')))}"
    (work.project.root / f"{name}.py").write_text(MODEL.format(type_))
    return replace(work.project, models=f"{name}:metadata")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.before} to {case.after}")
def test_a_cast_that_needs_a_decision(case: Case, work: Work, database: Database) -> None:
    first = _begun(work, case.before)
    after = _models(work, case.after)
    with pytest.raises(NotConfirmedError, match=case.asks) as caught:
        generate.revision(after)
    assert "--using" in str(caught.value.hint)
    given = generate.Answers(using={"public.t.v": case.using}, allow_drop=True)
    generated = generate.revision(after, answers=given)
    assert generated.path
    assert "# the values are computed by the expression of --using" in generated.path.read_text()
    with connect(database) as connection:
        running.upgrade(work.history, connection, first.id)
        connection.execute("INSERT INTO t VALUES (1, %s), (2, NULL)", [case.value])
        connection.execute("SET timezone = 'America/New_York'")
        assert _upgraded(work, connection) == case.becomes
        if case.back:
            running.downgrade(work.history, connection, first.id)
            connection.execute("SET timezone = 'America/New_York'")
            assert _value(connection) == case.back


def _upgraded(work: Work, connection: psycopg.Connection) -> object:
    running.upgrade(work.history, connection, "head")
    connection.execute("SET timezone = 'America/New_York'")
    return _value(connection)


def _value(connection: psycopg.Connection) -> object:
    row = connection.execute("SELECT v::text FROM t WHERE id = 1").fetchone()
    return row[0] if row else None


def test_an_expression_that_does_not_fit_is_named(work: Work) -> None:
    _begun(work, "Integer")
    after = _models(work, "UUID")
    for expression, message in (
        ("gone::uuid", 'column "gone" does not exist'),
        ("v", "cannot be cast automatically to type uuid"),
        ("(", "syntax error"),
    ):
        with pytest.raises(ConfigurationError, match=r"--using public\.t\.v=") as caught:
            generate.revision(after, answers=generate.Answers(using={"public.t.v": expression}))
        assert message in str(caught.value)
    with pytest.raises(ConfigurationError, match="no column of this name changes its type"):
        generate.revision(after, answers=generate.Answers(using={"public.t.id": "id"}))


def test_a_phased_change_fills_by_the_expression(work: Work, database: Database) -> None:
    first = _begun(work, "Integer")
    after = _models(work, "UUID")
    using = {"public.t.v": CASES[0].using}
    made = generate.revision(after, answers=generate.Answers(using=using, phased=True))
    assert made.expand
    with connect(database) as connection:
        running.upgrade(work.history, connection, first.id)
        connection.execute("INSERT INTO t VALUES (1, 7)")
        running.upgrade(work.history, connection, made.expand.id)
        connection.execute("INSERT INTO t VALUES (2, 8)")
        connection.execute("UPDATE t SET v = v")
        running.upgrade(work.history, connection, "head")
        assert _value(connection) == CASES[0].becomes


def test_a_renamed_column_and_table_of_a_new_type(work: Work, database: Database) -> None:
    first = _begun(work, "DateTime")
    after = _models(work, "DateTime(True)")
    path = work.project.root / f"{after.models.partition(':')[0]}.py"
    path.write_text(path.read_text().replace('"t"', '"moments"').replace('"v"', '"at"'))
    answers = generate.Answers(
        renames=["public.t:public.moments", "public.moments.v:public.moments.at"],
        no_rename=True,
        using={"public.t.v": "at AT TIME ZONE 'UTC'"},
    )
    generate.revision(after, answers=answers)
    with connect(database) as connection:
        running.upgrade(work.history, connection, first.id)
        connection.execute("SET timezone = 'America/New_York'")
        connection.execute("INSERT INTO t VALUES (1, '2026-07-01 12:00')")
        running.upgrade(work.history, connection, "head")
        running.downgrade(work.history, connection, first.id)
        assert _value(connection) == "2026-07-01 12:00:00"


def test_the_answer_on_a_terminal(work: Work) -> None:
    _begun(work, "DateTime")
    after = _models(work, "DateTime(True)")
    with pytest.raises(NotConfirmedError, match="not confirmed"):
        generate.revision(after, answers=generate.Answers(ask_cast=lambda _: None))
    made = generate.revision(after, answers=generate.Answers(ask_cast=lambda cast: cast.usual))
    assert made.path
    assert made.path.read_text().count("v AT TIME ZONE 'UTC'") == 2
