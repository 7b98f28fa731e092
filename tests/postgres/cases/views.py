"""Views, routines, and what tables do."""

from __future__ import annotations

from tests.postgres.cases.case import Case

T = "CREATE TABLE t (a int PRIMARY KEY, b text);"
STAMP = """CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RETURN NEW; END';"""

CASES = (
    Case(
        "views upon views",
        T,
        T
        + """
        CREATE VIEW v WITH (security_barrier) AS SELECT a, b FROM t WHERE a > 0
            WITH LOCAL CHECK OPTION;
        CREATE VIEW w AS SELECT * FROM v;
        CREATE MATERIALIZED VIEW m AS SELECT * FROM w WITH NO DATA;
        CREATE INDEX ON m (b);
        COMMENT ON VIEW v IS 'view'; COMMENT ON COLUMN v.a IS 'number';
        ALTER VIEW v ALTER COLUMN a SET DEFAULT 5;
        """,
    ),
    Case(
        "a view is replaced in place where it can be",
        T
        + """
        CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT a FROM v;
        """,
        T + "CREATE VIEW v AS SELECT a + 0 AS a, b FROM t; CREATE VIEW w AS SELECT a FROM v;",
        says=("CREATE OR REPLACE VIEW",),
    ),
    Case(
        "a view loses a column under another view",
        T
        + """
        CREATE VIEW v AS SELECT a, b FROM t; CREATE VIEW w AS SELECT a FROM v;
        """,
        T + "CREATE VIEW v AS SELECT b FROM t; CREATE VIEW w AS SELECT b FROM v;",
    ),
    Case(
        "a column is dropped that a view used",
        T + "CREATE VIEW v AS SELECT a, b FROM t;",
        """
        CREATE TABLE t (a int PRIMARY KEY); CREATE VIEW v AS SELECT a FROM t;
        """,
    ),
    Case(
        "a view becomes a materialized one",
        T + "CREATE VIEW v AS SELECT a FROM t;",
        T
        + """
        CREATE MATERIALIZED VIEW v AS SELECT a FROM t;
        """,
    ),
    Case(
        "routines of each kind",
        "",
        """
        CREATE FUNCTION f(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a + 1; END;
        CREATE PROCEDURE p(INOUT n int) LANGUAGE plpgsql AS 'BEGIN n := n + 1; END';
        CREATE FUNCTION rows() RETURNS TABLE (x int, y text) LANGUAGE sql AS 'SELECT 1, ''a''';
        CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
        COMMENT ON FUNCTION f(int, text) IS 'effect'; COMMENT ON AGGREGATE total(int) IS 'all';
        """,
    ),
    Case(
        "a function is replaced in place where it can be",
        T
        + """
        CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
        CREATE VIEW v AS SELECT f(a) FROM t;
        """,
        T
        + """
        CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2';
        CREATE VIEW v AS SELECT f(a) FROM t;
        """,
        never=("DROP",),
    ),
    Case(
        "a function changes its result under a view and a check",
        """
        CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
        CREATE TABLE t (a int CHECK (f(a) > 0)); CREATE VIEW v AS SELECT f(a) FROM t;
        CREATE INDEX i ON t (f(a));
        """,
        """
        CREATE FUNCTION f(int) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 1';
        CREATE TABLE t (a int CHECK (f(a) > 0)); CREATE VIEW v AS SELECT f(a) FROM t;
        CREATE INDEX i ON t (f(a));
        """,
    ),
    Case(
        "a function's parameter gets another name",
        """
        CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
        """,
        "CREATE FUNCTION f(b int) RETURNS int LANGUAGE sql AS 'SELECT 1';",
    ),
    Case(
        "triggers",
        T + STAMP,
        T
        + STAMP
        + """
        CREATE TRIGGER one BEFORE UPDATE OF b ON t FOR EACH ROW WHEN (NEW.a > 0)
            EXECUTE FUNCTION stamp();
        CREATE CONSTRAINT TRIGGER two AFTER INSERT ON t DEFERRABLE FOR EACH ROW
            EXECUTE FUNCTION stamp();
        ALTER TABLE t DISABLE TRIGGER one; COMMENT ON TRIGGER two ON t IS 'second';
        """,
    ),
    Case(
        "policies",
        T,
        T
        + """
        ALTER TABLE t ENABLE ROW LEVEL SECURITY;
        CREATE POLICY one ON t FOR SELECT TO PUBLIC USING (a > 0);
        CREATE POLICY two ON t AS RESTRICTIVE USING (a > 1) WITH CHECK (a < 100);
        COMMENT ON POLICY one ON t IS 'first';
        """,
    ),
    Case(
        "a policy changes in place",
        T + "CREATE POLICY p ON t USING (a > 0);",
        T
        + """
        CREATE POLICY p ON t USING (a > 5);
        """,
        says=("ALTER POLICY p",),
    ),
    Case(
        "a policy stands on a column that changes its type",
        """
        CREATE TABLE t (a int); CREATE POLICY p ON t USING (a > 0);
        """,
        "CREATE TABLE t (a bigint); CREATE POLICY p ON t USING (a > 0);",
    ),
    Case(
        "rules",
        T,
        T
        + """
        CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING; COMMENT ON RULE r ON t IS 'no';
        """,
    ),
    Case(
        "statistics",
        T,
        T
        + """
        CREATE STATISTICS st (ndistinct) ON a, b FROM t; ALTER STATISTICS st SET STATISTICS 5;
        """,
    ),
    Case(
        "operators and casts",
        "CREATE TYPE pair AS (a int, b int);",
        """
        CREATE TYPE pair AS (a int, b int);
        CREATE FUNCTION first(pair) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT ($1).a';
        CREATE CAST (pair AS int) WITH FUNCTION first(pair) AS ASSIGNMENT;
        CREATE FUNCTION same(pair, pair) RETURNS bool LANGUAGE sql AS 'SELECT ($1).a = ($2).a';
        CREATE OPERATOR === (LEFTARG = pair, RIGHTARG = pair, FUNCTION = same);
        """,
    ),
    Case(
        "an event trigger",
        "",
        """
        CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION e();
        """,
    ),
    Case("a publication", T, T + "CREATE PUBLICATION p FOR TABLE t (a) WHERE (a > 5);"),
)
