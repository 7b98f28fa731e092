"""SQL that is written on a new server for an older one, which has to accept it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import psycopg
import pytest

from limbeck.errors import ConfigurationError
from limbeck.phased.expand import choosing, composing
from limbeck.phased.expand.change import Change
from limbeck.phased.expand.choosing import Choice
from limbeck.phased.online import online
from limbeck.postgres.database import Database
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.filters import Filters
from limbeck.schema.catalog.lowest import written_for
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare
from limbeck.schema.diff.steps import Step
from limbeck.schema.renames import parse
from limbeck.schema.sql import forms
from tests.majors.servers import programs
from tests.postgres.cases.case import Case
from tests.postgres.test_diff import CASES, carry_out, differences, load

if TYPE_CHECKING:
    from tests.majors.conftest import Connect, ServerOf

OLDER = sorted(programs())[:-1]
NEW = max(programs())

pytestmark = pytest.mark.skipif(not OLDER, reason="there is no server of a second major")

PARTITIONED = "CREATE TABLE p (a int NOT NULL, b int) PARTITION BY RANGE (a);"
PARTITION = "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (9);"
TREE = (
    "CREATE TABLE t (a int PRIMARY KEY, b int CONSTRAINT up REFERENCES t) PARTITION BY LIST (a);"
    "CREATE TABLE t1 PARTITION OF t DEFAULT"
)
PARENT = "CREATE TABLE p (a int{}); CREATE TABLE c (b int) INHERITS (p);"
ROLE = "DO $$BEGIN CREATE ROLE majors_reader; EXCEPTION WHEN duplicate_object THEN NULL; END$$;"

EQUAL = (
    Case(
        "the expression of a generated column",
        "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)",
        "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 2) STORED)",
    ),
    Case(
        "a renamed table and column whose NOT NULLs have names on 18",
        "CREATE TABLE t (a int NOT NULL, b text NOT NULL)",
        "CREATE TABLE u (z int NOT NULL, b text NOT NULL)",
        renames=("public.t:public.u", "public.t.a:public.u.z"),
    ),
    Case(
        "a NOT NULL with a name of its own",
        "CREATE TABLE t (a int, b int CONSTRAINT mine NOT NULL)",
        "CREATE TABLE t (a int CONSTRAINT mine NOT NULL, b int CONSTRAINT other NOT NULL)",
    ),
    Case(
        "NOT NULLs of a domain",
        "CREATE DOMAIN d AS int; CREATE DOMAIN e AS int CONSTRAINT one NOT NULL",
        "CREATE DOMAIN d AS int CONSTRAINT two NOT NULL; CREATE DOMAIN e AS int NOT NULL",
    ),
    Case(
        "NOT NULLs of a partitioned table, a partition more",
        PARTITIONED + PARTITION,
        PARTITIONED.replace("b int", "b int NOT NULL")
        + PARTITION
        + PARTITION.replace("p1", "p2").replace("1", "9").replace("(9) TO (9)", "(9) TO (10)"),
    ),
    Case(
        "a child keeps the NOT NULL that its parent loses",
        PARENT.format(" NOT NULL"),
        PARENT.format("") + "ALTER TABLE c ALTER a SET NOT NULL",
    ),
    Case(
        "a partition that leaves with its foreign key to the partitioned table",
        TREE,
        TREE.replace(
            "PARTITION OF t", "(a int PRIMARY KEY, b int CONSTRAINT up REFERENCES t)"
        ).replace("DEFAULT", ""),
    ),
    Case(
        "a serial column of an unlogged table",
        "",
        "CREATE UNLOGGED TABLE t (a serial, b int GENERATED ALWAYS AS IDENTITY)",
    ),
    Case(
        "a table becomes unlogged",
        "CREATE TABLE t (a serial)",
        "CREATE UNLOGGED TABLE t (a serial)",
    ),
    Case(
        "a column's storage",
        "CREATE TABLE t (a text, b text); ALTER TABLE t ALTER a SET STORAGE MAIN",
        "CREATE TABLE t (a text, b text); ALTER TABLE t ALTER b SET STORAGE EXTERNAL",
    ),
    Case(
        "all privileges on a table",
        f"{ROLE} CREATE TABLE t (a int); CREATE TABLE u (a int); GRANT ALL ON t TO majors_reader;",
        f"{ROLE} CREATE TABLE t (a int); CREATE TABLE u (a int); GRANT ALL ON u TO majors_reader;"
        "GRANT SELECT ON t TO majors_reader",
    ),
    Case(
        "a foreign key of a partitioned table",
        f"{PARTITIONED}{PARTITION} CREATE TABLE u (a int PRIMARY KEY)",
        f"{PARTITIONED}{PARTITION} CREATE TABLE u (a int PRIMARY KEY);"
        "ALTER TABLE p ADD FOREIGN KEY (a) REFERENCES u",
    ),
)


def seen(connection: psycopg.Connection, lowest: int | None = None) -> Catalog:
    return read(connection, filters=Filters(grants=True, lowest_major=lowest))


def plain(steps: tuple[Step, ...], _before: Catalog, _after: Catalog) -> tuple[Step, ...]:
    return steps


Four: TypeAlias = tuple[psycopg.Connection, ...]
"""Empty databases to change and to compare with: two of the newest major, two of an older one."""


def four(connect_to: Connect, low: int) -> Four:
    return tuple(connect_to(major) for major in (NEW, NEW, low, low))


def assert_both_accept(
    case: Case, databases: Four, low: int, form: Callable[..., tuple[Step, ...]] = plain
) -> None:
    """The steps that are written on the newest major lead there and on an older one to the same."""
    new, new_goal, old, old_goal = databases
    load(old, case.before + case.rows)
    load(old_goal, case.after)
    new.execute((case.before + case.rows).encode())
    new_goal.execute(case.after.encode())
    before, after = seen(new, low), seen(new_goal, low)
    answers, _ = parse.answers(case.renames, before, after)
    steps = form(compare.steps(before, after, answers, lowest_major=low), before, after)
    for connection, goal in ((new, after), (old, seen(old_goal))):
        carry_out(connection, steps)
        assert differences(seen(connection, low), goal) == []
    assert compare.steps(seen(new, low), after) == ()


def test_an_equal_form_runs_on_both(connect_to: Connect, subtests: pytest.Subtests) -> None:
    """All cases share four databases, since they are run every day."""
    databases = four(connect_to, OLDER[0])
    for case in EQUAL:
        with subtests.test(case.name):
            for connection in databases:
                connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            assert_both_accept(case, databases, OLDER[0], online.steps)


# Before 18, a parent's DROP NOT NULL drops the child's as well: the script makes another schema.
ANOTHER_MEANING = {"a partition's NOT NULL that is its own as well"}
ALIKE = [case for case in CASES if case.name not in ANOTHER_MEANING]


@pytest.mark.majors
@pytest.mark.parametrize("low", sorted({*OLDER[:1], *OLDER[-1:]}))
@pytest.mark.parametrize("case", ALIKE, ids=lambda case: case.name)
def test_a_case_of_the_diff_runs_on_both(case: Case, low: int, connect_to: Connect) -> None:
    assert_both_accept(case, four(connect_to, low), low)


BOOKS = "CREATE TABLE books (id int PRIMARY KEY, title text NOT NULL, pages int)"
PHASED = (
    Case(
        "a table is renamed", BOOKS, BOOKS.replace("books", "works"), ("public.books:public.works",)
    ),
    Case(
        "a required column is renamed",
        BOOKS,
        BOOKS.replace("title", "name"),
        ("public.books.title:public.books.name",),
    ),
    Case("a key changes its type", BOOKS, BOOKS.replace("id int", "id bigint")),
)


def in_phases(case: Case, connect_to: Connect, low: int) -> tuple[Change, Choice]:
    """Return a change as it is seen on the newest major, and the recipes for it."""
    sides = []
    for text in (case.before, case.after):
        connection = connect_to(NEW)
        connection.execute(text.encode())
        sides.append(seen(connection, low))
    renames, _ = parse.answers(case.renames, *sides)
    change = Change(*sides, renames)
    return change, choosing.choose(compare.steps(*sides, renames), change)


@pytest.mark.majors
@pytest.mark.parametrize("case", PHASED, ids=lambda case: case.name)
def test_a_change_in_phases_runs_on_both(
    case: Case, connect_to: Connect, server_of: ServerOf
) -> None:
    low = OLDER[0]
    change, choice = in_phases(case, connect_to, low)
    scratch, old = connect_to(NEW), connect_to(low)
    for connection in (scratch, old):
        connection.execute(case.before.encode())
    before = seen(old)
    database = Database.from_url("scratch", server_of(NEW).url(scratch.info.dbname))
    phased = composing.compose(database, Filters(lowest_major=low), change, choice)
    for steps in (phased.expand.upgrade, phased.contract.upgrade):
        carry_out(old, steps)
    goal = connect_to(low)
    goal.execute(case.after.encode())
    assert differences(seen(old), seen(goal)) == []
    for steps in (phased.contract.downgrade, phased.expand.downgrade):
        carry_out(old, steps)
    assert differences(seen(old), before) == []


@pytest.mark.skipif(OLDER[:1] != [14], reason="there is no server of Postgres 14")
def test_a_view_that_cannot_keep_row_security_is_refused(connect_to: Connect) -> None:
    secured = f"{BOOKS}; ALTER TABLE books ENABLE ROW LEVEL SECURITY"
    rename = ("public.books:public.works",)
    case = Case("secured", secured, secured.replace("books", "works"), rename)
    with pytest.raises(ConfigurationError, match="security_invoker of a view exists since"):
        in_phases(case, connect_to, 14)
    assert in_phases(case, connect_to, 15)


# What is asked for on 18, the object that is refused, and the form that is missing.
REFUSED = (
    ("t ADD c int GENERATED ALWAYS AS (a) VIRTUAL", "column public.t.c", forms.VIRTUAL_COLUMNS),
    ("t ADD CONSTRAINT k CHECK (a > 1) NOT ENFORCED", "constraint public.t.k", forms.NOT_ENFORCED),
    ("t ADD CONSTRAINT k NOT NULL a NOT VALID", "not_null public.t.a", forms.NOT_NULL_NOT_VALID),
    ("t ADD CONSTRAINT k NOT NULL a NO INHERIT", "not_null public.t.a", forms.NOT_NULL_NO_INHERIT),
    (
        "t ADD CONSTRAINT k UNIQUE NULLS NOT DISTINCT (a)",
        "constraint public.t.k",
        forms.NULLS_NOT_DISTINCT,
    ),
    (
        "r ADD CONSTRAINT k PRIMARY KEY (a, b WITHOUT OVERLAPS)",
        "constraint public.r.k",
        forms.WITHOUT_OVERLAPS,
    ),
    (
        "p ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES u NOT VALID",
        "constraint public.p.k",
        forms.FOREIGN_KEYS_NOT_VALID_OF_PARTITIONED,
    ),
    (
        "p ADD CONSTRAINT k EXCLUDE USING btree (a WITH =)",
        "constraint public.p.k",
        forms.EXCLUSIONS_OF_PARTITIONED,
    ),
    (
        "t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES u ON DELETE SET NULL (a)",
        "constraint public.t.k",
        forms.SET_COLUMNS,
    ),
)
GROUND = (
    f"{ROLE} CREATE TABLE t (a int, b text); CREATE TABLE r (a int4range, b daterange);"
    f"CREATE TABLE u (a int PRIMARY KEY); {PARTITIONED}"
)
REFUSED_STATEMENTS = (
    *((f"ALTER TABLE {action}", object_, form) for action, object_, form in REFUSED),
    (
        "CREATE UNIQUE INDEX i ON t (a) NULLS NOT DISTINCT",
        "index public.i",
        forms.NULLS_NOT_DISTINCT,
    ),
    (
        "CREATE VIEW v WITH (security_invoker = true) AS SELECT a FROM t",
        "view public.v",
        forms.SECURITY_INVOKER,
    ),
    ("CREATE UNLOGGED SEQUENCE s", "sequence public.s", forms.UNLOGGED_SEQUENCES),
    (
        "CREATE COLLATION c (provider = builtin, locale = 'C.UTF-8')",
        "collation public.c",
        forms.BUILTIN_COLLATIONS,
    ),
    (
        "GRANT MAINTAIN ON t TO majors_reader",
        "grant public.t.table to majors_reader",
        forms.MAINTAIN,
    ),
    ("CREATE PUBLICATION pub FOR TABLE t (a)", "publication pub", forms.PUBLISHED_COLUMNS),
    ("CREATE PUBLICATION pub FOR TABLE t WHERE (a > 1)", "publication pub", forms.PUBLISHED_ROWS),
    (
        "CREATE PUBLICATION pub FOR TABLES IN SCHEMA public",
        "publication pub",
        forms.PUBLISHED_SCHEMAS,
    ),
    (
        "CREATE PUBLICATION pub FOR TABLE t WITH (publish_generated_columns = stored)",
        "publication pub",
        forms.PUBLISHED_GENERATED,
    ),
)


@pytest.mark.skipif(NEW < forms.NEWEST, reason="there is no server of the newest major")
def test_what_has_no_form_there_is_refused(connect_to: Connect) -> None:
    connection, lowest = connect_to(NEW), forms.OLDEST
    connection.execute(GROUND.encode())
    before = seen(connection)
    for statement, name, form in REFUSED_STATEMENTS:
        with connection.transaction(force_rollback=True):
            connection.execute(statement.encode())
            after = seen(connection)
        with pytest.raises(ConfigurationError) as refused:
            compare.steps(before, after, lowest_major=lowest)
        assert refused.value.message.startswith(f"{name}: {form.name} exists"), statement
        assert f"Postgres {form.since}" in refused.value.message
        assert f"Postgres {lowest}" in refused.value.message
        assert compare.steps(before, after, lowest_major=form.since)
        # Its drop needs no such form.
        assert compare.steps(after, before, lowest_major=lowest)


def test_the_server_itself_needs_no_other_catalog(connect_to: Connect) -> None:
    catalog = seen(connect_to(NEW))
    assert written_for(catalog, NEW) is catalog
