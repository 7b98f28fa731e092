"""Who may do what is part of the schema where a setting says so, and nobody's change else."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from limbeck import generate, pull
from limbeck.errors import ModelsError
from limbeck.schema.catalog.filters import Filters
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare
from limbeck.schema.renames import parse as parse_
from limbeck.sources import parse
from tests.postgres.test_diff import carry_out, connect, differences

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

SEEN = Filters(grants=True)
BASE = """
CREATE SCHEMA s; CREATE SEQUENCE q; CREATE TYPE mood AS ENUM ('x');
CREATE TABLE t (a int, b int, id int GENERATED ALWAYS AS IDENTITY);
CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION f(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT 1';
"""
CHANGES = {
    "on a table": "GRANT SELECT, INSERT ON t TO reader",
    "on a table, to be passed on": "GRANT SELECT ON t TO reader WITH GRANT OPTION",
    "on a column": "GRANT SELECT (a), UPDATE (a) ON t TO reader",
    "on a view and its column": "GRANT SELECT ON v TO reader; GRANT SELECT (a) ON v TO PUBLIC",
    "on a sequence": "GRANT USAGE ON SEQUENCE q TO reader",
    "on an identity's sequence": "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO reader",
    "on an identity's sequence that is new": (
        "CREATE TABLE n (id int GENERATED ALWAYS AS IDENTITY, b int); ALTER TABLE t DROP id;"
        "GRANT USAGE ON SEQUENCE n_id_seq TO reader WITH GRANT OPTION"
    ),
    "on a schema": "GRANT USAGE, CREATE ON SCHEMA s TO reader",
    "on a function, and nobody else": (
        "REVOKE EXECUTE ON FUNCTION f FROM PUBLIC; GRANT EXECUTE ON FUNCTION f TO reader"
    ),
    "on a type": "REVOKE USAGE ON TYPE mood FROM PUBLIC; GRANT USAGE ON TYPE mood TO reader",
    "on a procedure, an aggregate and a domain that are new": (
        "CREATE PROCEDURE p() LANGUAGE sql AS ''; REVOKE EXECUTE ON PROCEDURE p FROM PUBLIC;"
        "CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int);"
        "GRANT EXECUTE ON FUNCTION total TO reader; CREATE DOMAIN d AS int;"
        "GRANT USAGE ON DOMAIN d TO reader"
    ),
    "on a foreign server": (
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w;"
        "GRANT USAGE ON FOREIGN SERVER far TO reader;"
        "GRANT USAGE ON FOREIGN DATA WRAPPER w TO reader"
    ),
    "on what will be made": (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO reader;"
        "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;"
        "CREATE TABLE s.old (a int); REVOKE SELECT ON s.old FROM reader"
    ),
    "on a table that is made anew": (
        "DROP VIEW v; ALTER TABLE t DROP a; CREATE VIEW v AS SELECT b FROM t;"
        "GRANT SELECT ON v TO reader; GRANT UPDATE (b) ON t TO reader"
    ),
}


@pytest.fixture
def reader(admin: psycopg.Connection) -> str:
    """A role that may do nothing yet; it stays, for databases that are kept know of it."""
    role = f"reader_{uuid.uuid4().hex[:12]}"
    admin.execute(f"CREATE ROLE {role}".encode())
    return role


@pytest.mark.parametrize("case", CHANGES)
def test_privileges_are_granted_and_revoked_exactly(
    case: str, reader: str, make_database: Callable[..., Database]
) -> None:
    with connect(make_database("a")) as a, connect(make_database("b")) as b:
        a.execute(BASE.encode())
        b.execute((BASE + CHANGES[case].replace("reader", reader)).encode())
        before, after = read(a, filters=SEEN), read(b, filters=SEEN)
        assert before.changes_to(after)
        carry_out(a, compare.steps(before, after))
        assert differences(read(a, filters=SEEN), after) == []
        carry_out(a, compare.steps(read(a, filters=SEEN), before))
        assert differences(read(a, filters=SEEN), before) == []


# What a REVOKE on the table takes from the columns has to be granted again.
STATES = (
    "",
    "GRANT SELECT, INSERT ON t TO reader",
    "GRANT SELECT ON t TO reader WITH GRANT OPTION",
    "GRANT SELECT (a) ON t TO reader",
    "GRANT SELECT, INSERT ON t TO reader; GRANT SELECT (a), INSERT (b) ON t TO reader",
    "GRANT SELECT (a), UPDATE (b) ON t TO reader WITH GRANT OPTION; GRANT SELECT ON t TO reader",
    "GRANT ALL ON t TO reader; GRANT SELECT (a) ON t TO reader; GRANT INSERT (b) ON t TO PUBLIC",
)


def test_privileges_on_a_table_and_on_its_columns_lead_to_any_others(
    reader: str, make_database: Callable[..., Database]
) -> None:
    table = "DROP TABLE IF EXISTS t; CREATE TABLE t (a int, b int);"
    with connect(make_database("a")) as a, connect(make_database("b")) as b:
        for old, new in permutations((f"{table}{state}" for state in STATES), 2):
            a.execute(old.replace("reader", reader).encode())
            b.execute(new.replace("reader", reader).encode())
            after = read(b, filters=SEEN)
            carry_out(a, compare.steps(read(a, filters=SEEN), after))
            assert differences(read(a, filters=SEEN), after) == [], (old, new)


PULLED = (
    *("on a table", "on a column", "on a view and its column", "on a sequence", "on a schema"),
    *("on a function, and nobody else", "on a type", "on what will be made"),
)


def test_what_is_granted_by_default_is_taken_back_where_it_is_not_wanted(
    reader: str, make_database: Callable[..., Database]
) -> None:
    default = f"ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {reader};"
    default += f"ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO {reader};"
    with connect(make_database("a")) as a, connect(make_database("b")) as b:
        a.execute(default.encode())
        b.execute(
            f"{default} CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY);"
            f"REVOKE ALL ON t FROM {reader}; REVOKE ALL ON SEQUENCE t_a_seq FROM {reader}".encode()
        )
        after = read(b, filters=SEEN)
        carry_out(a, compare.steps(read(a, filters=SEEN), after))
        assert differences(read(a, filters=SEEN), after) == []


def test_privileges_follow_what_is_renamed(
    reader: str, make_database: Callable[..., Database]
) -> None:
    granted = f"GRANT SELECT ON t TO {reader}; GRANT UPDATE (a) ON t TO {reader};"
    with connect(make_database("a")) as a, connect(make_database("b")) as b:
        a.execute(f"CREATE TABLE t (a int); {granted}".encode())
        b.execute(
            f"CREATE TABLE t (a int); {granted} ALTER TABLE t RENAME a TO c;"
            "ALTER TABLE t RENAME TO u".encode()
        )
        before, after = read(a, filters=SEEN), read(b, filters=SEEN)
        answers, idle = parse_.answers(
            ["public.t:public.u", "public.u.a:public.u.c"], before, after
        )
        assert not idle
        steps = compare.steps(before, after, answers)
        assert [step.verb for step in steps] == ["rename", "rename"]
        carry_out(a, steps)
        assert differences(read(a, filters=SEEN), after) == []


def test_privileges_are_nobodys_change_unless_a_setting_says_so(
    reader: str, database: Database, make_database: Callable[..., Database]
) -> None:
    with connect(database) as one, connect(make_database("b")) as other:
        for connection in (one, other):
            connection.execute(b"CREATE TABLE t (a int)")
        other.execute(f"GRANT SELECT ON t TO {reader}".encode())
        assert read(one).changes_to(read(other)) == ()
        seen = parse(None, database.url, grants=True).catalog()
        assert [change.address.kind for change in seen.changes_to(read(other, filters=SEEN))] == [
            "grant"
        ]


MODELS = """
from limbeck.entities import Statement
Table("books", metadata, Column("id", Integer, primary_key=True))
Statement("GRANT SELECT ON TABLE books TO {role}", metadata=metadata)
"""


def test_a_revision_grants_what_the_models_say(reader: str, work: Work) -> None:
    project = replace(work.project, grants=True)
    work.models(MODELS.format(role=reader))
    made = generate.revision(project)
    assert made.path
    text = made.path.read_text(encoding="utf-8")
    assert f"GRANT SELECT ON TABLE public.books TO {reader}" in text
    assert generate.revision(project).path is None


def test_a_role_that_the_shadow_has_not_is_named(work: Work) -> None:
    work.models(MODELS.format(role="nobody_at_all"))
    with pytest.raises(ModelsError, match='role "nobody_at_all" does not exist') as caught:
        generate.revision(replace(work.project, grants=True))
    assert 'CREATE ROLE "nobody_at_all"' in (caught.value.hint or "")


def test_pull_writes_grants_where_they_are_a_part_of_the_schema(
    database: Database, make_database: Callable[..., Database], reader: str
) -> None:
    granted = "; ".join(CHANGES[one] for one in PULLED).replace("reader", reader)
    with connect(database) as connection:
        connection.execute(f"{BASE}; {granted}".encode())
        catalog, silent = read(connection, filters=SEEN), read(connection)
    options = pull.Options(layout="file")
    files = pull.source(catalog, options)
    assert f"GRANT SELECT (a), UPDATE (a) ON TABLE public.t TO {reader}" in files["models.py"]
    assert pull.prove(files, catalog, make_database("scratch"), options, SEEN).exact
    assert "GRANT" not in pull.source(silent, options)["models.py"]
