"""Functions that run while the schema changes, and what only the text of their bodies names."""

from __future__ import annotations

from tests.postgres.cases.case import Case


def function(name: str, result: str, argument: str = "int") -> str:
    """Return a function whose body nobody looks into before it runs."""
    return (
        f"CREATE FUNCTION {name}(v {argument}) RETURNS boolean LANGUAGE plpgsql IMMUTABLE "
        f"AS 'BEGIN RETURN {result}; END';"
    )


# Bodies may name what does not exist; the path is empty while an index is built.
LATER = "SET check_function_bodies = off; SET search_path = public;"
OLD = LATER + "CREATE DOMAIN d AS int; CREATE TABLE t (a int, b d); CREATE TABLE z_t (a int);"
ROWS = "INSERT INTO t VALUES (1, 2); INSERT INTO z_t VALUES (3);"
# The first function calls the second one, which comes after it in any order of names.
FIRST, SECOND = function("a_f", "public.z_h(v)"), function("z_h", "v > 0")
RUNS = """
CREATE DOMAIN d AS int CHECK (a_f(VALUE)); CREATE TABLE z_t (a int CHECK (a_f(a)));
CREATE TABLE t (a int, b d, c boolean NOT NULL DEFAULT a_f(1), e d DEFAULT 5,
  g boolean GENERATED ALWAYS AS (a_f(a)) STORED, EXCLUDE USING btree (a_f(a) WITH =));
CREATE INDEX ON t (a_f(a)); CREATE INDEX ON z_t (a) WHERE a_f(1);
CREATE MATERIALIZED VIEW m AS SELECT a_f(a) FROM t;
"""
DEFAULT = "CREATE DOMAIN d AS int; CREATE TABLE z_t (a int); CREATE TABLE t (a int, b d, c boolean "
CASES = (
    Case("functions that run call others", OLD, LATER + FIRST + SECOND + RUNS, rows=ROWS),
    Case(
        "functions that run name a table that calls them",
        OLD,
        LATER
        + FIRST
        + function("z_h", "v > (SELECT count(*) FROM public.b_n)")
        + f"CREATE TABLE b_n (x int, CHECK (a_f(x))); {RUNS}",
        rows=ROWS,
    ),
    Case(
        "functions that run call each other",
        OLD,
        LATER + FIRST + function("z_h", "v > 0 OR public.a_f(v - 1)") + RUNS,
        rows=ROWS,
    ),
    Case(
        "a function that runs calls a new one through one that stays",
        OLD + function("m_m", "public.z_h(v)"),
        LATER
        + function("m_m", "public.z_h(v)")
        + function("a_f", "public.M_m(v)")
        + f"{SECOND} {DEFAULT} DEFAULT a_f(1))",
        rows=ROWS,
    ),
    Case(
        "a function that runs calls an overload, in another schema, with a blank in its name",
        f"CREATE SCHEMA x; {OLD}" + function('x."z h"', "true", "text"),
        "CREATE SCHEMA x;"
        + LATER
        + function("a_f", 'x."z h"(v)')
        + function('x."z h"', "true", "text")
        + function('x."z h"', "true")
        + f"{DEFAULT} DEFAULT a_f(1))",
        rows=ROWS,
    ),
    Case(
        "a function that runs reads a new column",
        OLD,
        LATER
        + function("a_f", "NOT EXISTS (SELECT FROM public.z_t WHERE flag)")
        + f"{DEFAULT} DEFAULT a_f(1)); ALTER TABLE z_t ADD flag boolean",
        rows=ROWS,
    ),
    Case(
        "a function changes that an index calls, which is built again with another column's type",
        LATER
        + "CREATE TABLE t (a int, b int);"
        + function("a_f", "true")
        + "CREATE INDEX i ON t (a, a_f(b));",
        LATER
        + "CREATE TABLE t (a bigint, b int);"
        + FIRST
        + SECOND
        + "CREATE INDEX i ON t (a, a_f(b));",
        rows="INSERT INTO t VALUES (1, 2);",
    ),
)
