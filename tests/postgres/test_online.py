"""A change to tables in use holds no strong lock for long, and comes to exactly the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from limbeck.phased.online import online
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare, script
from limbeck.schema.diff.steps import Step
from tests.postgres.repeats import repeated
from tests.postgres.test_diff import connect, differences

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database

TABLES = "CREATE TABLE a (x int, y text); CREATE TABLE b (id int PRIMARY KEY, x int);"
ROWS = "INSERT INTO a VALUES (1, 'one'); INSERT INTO b VALUES (1, 1);"


@dataclass(frozen=True, slots=True)
class Case:
    """What is done to TABLES, and the statements that it comes to; "--" parts transactions."""

    name: str
    change: str
    comes_to: tuple[str, ...]
    before: str = TABLES


COMMIT = "--"
REFERENCES = """\
ALTER TABLE public.a ADD CONSTRAINT a_x_fkey FOREIGN KEY (x) REFERENCES public.b(id) NOT VALID"""
CASES_OF_RECIPES = (
    Case(
        "an index is built beside the writers",
        "CREATE INDEX i ON a (x);",
        ("CREATE INDEX CONCURRENTLY i ON public.a USING btree (x)",),
    ),
    Case(
        "an index is dropped beside them",
        "DROP INDEX i;",
        ("DROP INDEX CONCURRENTLY public.i",),
        TABLES + "CREATE INDEX i ON a (x);",
    ),
    Case(
        "a replaced index is there all the time",
        "DROP INDEX i; CREATE INDEX i ON a (x, y);",
        (
            "CREATE INDEX CONCURRENTLY i_new ON public.a USING btree (x, y)",
            "DROP INDEX CONCURRENTLY public.i",
            COMMIT,
            "ALTER INDEX public.i_new RENAME TO i",
        ),
        TABLES + "CREATE INDEX i ON a (x);",
    ),
    Case(
        "a foreign key is validated in the next step",
        "ALTER TABLE a ADD FOREIGN KEY (x) REFERENCES b;",
        (
            REFERENCES,
            COMMIT,
            "ALTER TABLE public.a VALIDATE CONSTRAINT a_x_fkey",
        ),
    ),
    Case(
        "a check is validated in the next step",
        "ALTER TABLE a ADD CONSTRAINT c CHECK (x > 0);",
        (
            "ALTER TABLE public.a ADD CONSTRAINT c CHECK ((x > 0)) NOT VALID",
            COMMIT,
            "ALTER TABLE public.a VALIDATE CONSTRAINT c",
        ),
    ),
    Case(
        "NOT NULL is proved by a check first",
        "ALTER TABLE a ALTER x SET NOT NULL;",
        (
            "ALTER TABLE public.a ADD CONSTRAINT x_required CHECK ((x IS NOT NULL)) NOT VALID",
            COMMIT,
            "ALTER TABLE public.a VALIDATE CONSTRAINT x_required",
            COMMIT,
            "ALTER TABLE public.a ALTER COLUMN x SET NOT NULL",
            "ALTER TABLE public.a DROP CONSTRAINT x_required",
        ),
    ),
    Case(
        "a NOT NULL of its own name is validated in the next step",
        "ALTER TABLE a ADD CONSTRAINT must NOT NULL x;",
        (
            "ALTER TABLE public.a ADD CONSTRAINT must NOT NULL x NOT VALID",
            COMMIT,
            "ALTER TABLE public.a VALIDATE CONSTRAINT must",
        ),
    ),
    Case(
        "a unique constraint gets its index first",
        "ALTER TABLE a ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (x) INCLUDE (y) DEFERRABLE;",
        (
            "CREATE UNIQUE INDEX CONCURRENTLY u ON public.a (x) INCLUDE (y) NULLS NOT DISTINCT",
            COMMIT,
            "ALTER TABLE public.a ADD CONSTRAINT u UNIQUE USING INDEX u DEFERRABLE",
        ),
    ),
    Case(
        "a replaced unique constraint holds all the time",
        "ALTER TABLE a DROP CONSTRAINT u, ADD CONSTRAINT u UNIQUE (x, y);",
        (
            "CREATE UNIQUE INDEX CONCURRENTLY u_new ON public.a (x, y)",
            COMMIT,
            "ALTER TABLE public.a DROP CONSTRAINT u",
            "ALTER TABLE public.a ADD CONSTRAINT u UNIQUE USING INDEX u_new",
        ),
        TABLES + "ALTER TABLE a ADD CONSTRAINT u UNIQUE (x);",
    ),
    Case(
        "a primary key gets its index and its NOT NULL first",
        "ALTER TABLE a ADD CONSTRAINT k PRIMARY KEY (x);",
        (
            "ALTER TABLE public.a ADD CONSTRAINT x_required CHECK ((x IS NOT NULL)) NOT VALID",
            COMMIT,
            "ALTER TABLE public.a VALIDATE CONSTRAINT x_required",
            COMMIT,
            "ALTER TABLE public.a ALTER COLUMN x SET NOT NULL",
            "ALTER TABLE public.a DROP CONSTRAINT x_required",
            COMMIT,
            "CREATE UNIQUE INDEX CONCURRENTLY k ON public.a (x)",
            COMMIT,
            "ALTER TABLE public.a ADD CONSTRAINT k PRIMARY KEY USING INDEX k",
        ),
    ),
    Case(
        "the tables are locked one after the other",
        "ALTER TABLE a ADD z int; ALTER TABLE b ADD z int;",
        (
            "ALTER TABLE public.a ADD COLUMN z integer",
            COMMIT,
            "ALTER TABLE public.b ADD COLUMN z integer",
        ),
    ),
    Case(
        "what belongs to one table stays together",
        "ALTER TABLE a ADD z int, ADD zz int; ALTER TABLE b ADD z int, ADD zz int;",
        (
            "ALTER TABLE public.a ADD COLUMN z integer",
            "ALTER TABLE public.a ADD COLUMN zz integer",
            COMMIT,
            "ALTER TABLE public.b ADD COLUMN z integer",
            "ALTER TABLE public.b ADD COLUMN zz integer",
        ),
    ),
    Case(
        "a new table gets the plain form",
        "CREATE TABLE c (x int); CREATE INDEX i ON c (x);",
        (
            "CREATE TABLE public.c (\n    x integer\n)",
            "CREATE INDEX i ON public.c USING btree (x)",
        ),
    ),
    Case(
        "the index of a partitioned table is built on its partitions first",
        "CREATE INDEX i ON p (x);",
        (
            "CREATE INDEX CONCURRENTLY p1_x_idx ON public.p1 USING btree (x)",
            COMMIT,
            "CREATE INDEX i ON public.p USING btree (x)",
        ),
        "CREATE TABLE p (x int) PARTITION BY LIST (x);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);",
    ),
    Case(
        "nobody sees a view missing while its column changes",
        "DROP VIEW v; ALTER TABLE a ALTER x TYPE bigint; CREATE VIEW v AS SELECT x FROM a;"
        "CREATE INDEX i ON a (y);",
        (
            "DROP VIEW public.v",
            "ALTER TABLE public.a ALTER COLUMN x SET DATA TYPE bigint",
            "CREATE VIEW public.v AS\nSELECT x\n   FROM public.a",
            COMMIT,
            "CREATE INDEX CONCURRENTLY i ON public.a USING btree (y)",
        ),
        TABLES + "CREATE VIEW v AS SELECT x FROM a;",
    ),
    Case(
        "an index gives way to two of a column that changes its type",
        "DROP INDEX i; ALTER TABLE a ALTER x TYPE bigint; CREATE INDEX j ON a (x, y);"
        "CREATE INDEX k ON a (x) WHERE y <> '';",
        (
            "ALTER TABLE public.a ALTER COLUMN x SET DATA TYPE bigint",
            COMMIT,
            "CREATE INDEX CONCURRENTLY k ON public.a USING btree (x) WHERE (y <> ''::text)",
            "CREATE INDEX CONCURRENTLY j ON public.a USING btree (x, y)",
            "DROP INDEX CONCURRENTLY public.i",
        ),
        TABLES + "CREATE INDEX i ON a (x);",
    ),
)


def run(connection: psycopg.Connection, steps: tuple[Step, ...]) -> None:
    """Run steps as the revision does: transaction by transaction."""
    for group in script.transactions(steps):
        with connection.cursor() as cursor:
            alone = group[0].outside
            cursor.execute("" if alone else "BEGIN")
            cursor.execute("SET check_function_bodies = off")
            for step in group:
                cursor.execute(step.sql.encode())
            cursor.execute("" if alone else "COMMIT")


def told(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The statements, with a mark where another transaction begins."""
    lines: list[str] = []
    for group in script.transactions(steps):
        lines += [COMMIT] if lines else []
        lines += [step.sql for step in group]
    return tuple(lines)


@pytest.mark.parametrize("case", CASES_OF_RECIPES, ids=lambda case: case.name)
def test_a_recipe_is_written_and_comes_to_the_same(
    case: Case, make_database: Callable[..., Database]
) -> None:
    with connect(make_database("a")) as a, connect(make_database("b")) as b:
        a.execute((case.before + (ROWS if case.before.startswith(TABLES) else "")).encode())
        b.execute((case.before + case.change).encode())
        before, after = read(a), read(b)
        steps = online.steps(compare.steps(before, after), before, after)
        assert told(steps) == case.comes_to
        run(a, steps)
        assert differences(read(a), after) == []


TYPES = ("int", "bigint", "text", "varchar(9)", "numeric")
# What a table can have on a column that changes its type.
ALIKE = (
    "CREATE INDEX i ON t (x);",
    "CREATE INDEX j ON t (x, y);",
    "CREATE INDEX k ON t (x, z);",
    "CREATE INDEX l ON t (x) WHERE y > 0;",
    "CREATE UNIQUE INDEX u ON t (x);",
    "CREATE UNIQUE INDEX v ON t (x, y);",
    "ALTER TABLE t ADD CONSTRAINT w UNIQUE (x, y);",
    "CREATE VIEW s AS SELECT x FROM t;",
)


def table(chance: random.Random) -> str:
    parts = chance.sample(ALIKE, chance.randint(1, 4))
    return f"CREATE TABLE t (x {chance.choice(TYPES)}, y int, z int);" + "".join(parts)


@pytest.mark.parametrize("count", [25, pytest.param(1000, marks=pytest.mark.thorough)])
def test_no_list_of_steps_drops_or_creates_an_object_twice(count: int, database: Database) -> None:
    chance, faults, before = random.Random(1), {}, None  # noqa: S311 - no secret
    with connect(database) as connection:
        for number in range(count):
            connection.execute(b"DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            connection.execute(table(chance).encode())
            after = read(connection)
            plain = compare.steps(before, after) if before else ()
            for steps in (plain, online.steps(plain, before or after, after)):
                if statements := repeated(steps):
                    faults[number] = statements
            before = after
    assert faults == {}
