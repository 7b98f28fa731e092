"""What has to give way to a change, and how it comes back."""

from __future__ import annotations

from tests.postgres.cases.case import Case

MOOD = "CREATE TYPE mood AS ENUM ('sad', 'ok');"
MOOD2 = "CREATE TYPE mood AS ENUM ('ok', 'glad');"
USE = """
CREATE TYPE day AS (at date, mood mood);
CREATE DOMAIN safe AS mood DEFAULT 'ok';
CREATE TABLE logs (mood mood, at date) PARTITION BY LIST (at);
CREATE TABLE logs1 PARTITION OF logs FOR VALUES IN ('2020-01-01');
CREATE TABLE days (d day, s safe, m mood[] DEFAULT '{ok}',
    is_ok boolean GENERATED ALWAYS AS (n = 'ok') STORED, n mood DEFAULT 'ok' CHECK (n <> 'glad'));
CREATE FUNCTION f(m mood DEFAULT 'ok') RETURNS mood[] LANGUAGE sql AS 'SELECT ARRAY[$1]';
CREATE VIEW v AS SELECT n, f(n) AS many FROM days WHERE n = 'ok';
CREATE MATERIALIZED VIEW mv AS SELECT n FROM v; CREATE INDEX mi ON mv (n);
CREATE POLICY p ON days USING (n = 'ok');
"""
WATCH = """CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"""

CASES = (
    Case(
        "an enum loses a label under everything that can use one",
        MOOD + USE.replace("'glad'", "'sad'"),
        MOOD2 + USE,
        rows="INSERT INTO days (n, m) VALUES ('ok', '{ok}');",
        back=False,
    ),
    Case(
        "the partition key changes its type and the partitions keep their rows",
        """
        CREATE TABLE p (a int, b text) PARTITION BY LIST (a);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
        """,
        """
        CREATE TABLE p (a bigint, b text) PARTITION BY LIST (a);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN ('1');
        """,
        rows="INSERT INTO p VALUES (1, 'x');",
        holds=(("SELECT b FROM p", "x"),),
    ),
    Case(
        "tables that refer to each other become unlogged",
        """
        CREATE TABLE z (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY REFERENCES z);
        CREATE TABLE c (id int REFERENCES b);
        """,
        """
        CREATE UNLOGGED TABLE z (id int PRIMARY KEY);
        CREATE UNLOGGED TABLE b (id int PRIMARY KEY REFERENCES z);
        CREATE UNLOGGED TABLE c (id int REFERENCES b);
        """,
    ),
    Case(
        "a trigger on a column that changes its type",
        f"""
        CREATE TABLE t (a int, b int); {WATCH}
        CREATE TRIGGER tr BEFORE UPDATE OF a ON t FOR EACH ROW WHEN (NEW.a > 0)
            EXECUTE FUNCTION watch();
        """,
        f"""
        CREATE TABLE t (a bigint, b int); {WATCH}
        CREATE TRIGGER tr BEFORE UPDATE OF a ON t FOR EACH ROW WHEN (NEW.a > 0)
            EXECUTE FUNCTION watch();
        """,
    ),
    Case(
        "a view with triggers, rules and comments is replaced",
        f"""
        CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT a, b FROM t; {WATCH}
        CREATE TRIGGER tr INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION watch();
        CREATE RULE r AS ON DELETE TO v DO INSTEAD NOTHING; COMMENT ON COLUMN v.a IS 'x';
        """,
        f"""
        CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT a FROM t; {WATCH}
        CREATE TRIGGER tr INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION watch();
        CREATE RULE r AS ON DELETE TO v DO INSTEAD NOTHING; COMMENT ON COLUMN v.a IS 'x';
        """,
    ),
    Case(
        "a function's argument changes under a default, a check, a policy and a trigger",
        """
        CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
        CREATE TABLE t (a int DEFAULT f(1), b int CHECK (f(b) > 0),
            c int GENERATED ALWAYS AS (f(b)) STORED);
        CREATE POLICY p ON t USING (f(a) > 0); CREATE INDEX i ON t (f(a));
        CREATE DOMAIN d AS int CHECK (f(VALUE) > 0); CREATE TABLE u (x d);
        """,
        """
        CREATE FUNCTION f(bigint) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
        CREATE TABLE t (a int DEFAULT f(1), b int CHECK (f(b) > 0),
            c int GENERATED ALWAYS AS (f(b)) STORED);
        CREATE POLICY p ON t USING (f(a) > 0); CREATE INDEX i ON t (f(a));
        CREATE DOMAIN d AS int CHECK (f(VALUE) > 0); CREATE TABLE u (x d);
        """,
        rows="INSERT INTO t VALUES (1, 1); INSERT INTO u VALUES (1);",
    ),
    Case(
        "a function in SQL stands on a column that changes its type",
        """
        CREATE TABLE t (a int);
        CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT max(a) FROM t; END;
        """,
        """
        CREATE TABLE t (a bigint);
        CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT max(a) FROM t; END;
        """,
    ),
    Case(
        "a function takes a row of a table that becomes partitioned",
        """
        CREATE TABLE t (a int); CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT $1.a';
        CREATE TABLE u (x t);
        """,
        """
        CREATE TABLE t (a int) PARTITION BY LIST (a);
        CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT $1.a'; CREATE TABLE u (x int);
        """,
        back=False,
    ),
    Case(
        "a sequence outlives its column",
        """
        CREATE TABLE t (a serial, b int); CREATE TABLE u (a serial);
        """,
        """
        CREATE TABLE t (b int); CREATE SEQUENCE t_a_seq AS int; CREATE SEQUENCE u_a_seq AS int;
        """,
    ),
    Case(
        "a schema goes with all that is in it",
        """
        CREATE SCHEMA s; CREATE TABLE s.t (a serial PRIMARY KEY);
        CREATE VIEW s.v AS SELECT * FROM s.t;
        CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE s.e AS ENUM ('x');
        CREATE TABLE public.t (a int REFERENCES s.t, b s.e DEFAULT 'x');
        """,
        "CREATE TABLE public.t (a int, b text DEFAULT 'x');",
    ),
    Case(
        "an extension goes with its type",
        """
        CREATE EXTENSION citext; CREATE TABLE t (a citext DEFAULT 'x', b text);
        CREATE INDEX i ON t (a);
        """,
        "CREATE TABLE t (a text DEFAULT 'x', b text); CREATE INDEX i ON t (a);",
        rows="INSERT INTO t VALUES ('Y');",
        holds=(("SELECT a FROM t", "Y"),),
    ),
    Case(
        "statistics and a publication on a dropped column",
        """
        CREATE TABLE t (b int, c int PRIMARY KEY, a int); CREATE STATISTICS s ON a, b, c FROM t;
        CREATE PUBLICATION p FOR TABLE t (a, c);
        """,
        """
        CREATE TABLE t (b int, c int PRIMARY KEY); CREATE STATISTICS s ON b, c FROM t;
        CREATE PUBLICATION p FOR TABLE t (c);
        """,
    ),
    Case(
        "an index of a materialized view is clustered on",
        """
        CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; CREATE INDEX i ON m (a);
        """,
        """
        CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; CREATE INDEX i ON m (a);
        ALTER MATERIALIZED VIEW m CLUSTER ON i; COMMENT ON MATERIALIZED VIEW m IS 'x';
        """,
    ),
    Case(
        "checks of a parent table are renamed with its children's",
        """
        CREATE TABLE p (a int CONSTRAINT c CHECK (a > 0)); CREATE TABLE k () INHERITS (p);
        """,
        """
        CREATE TABLE p (a int CONSTRAINT d CHECK (a > 0)); CREATE TABLE k () INHERITS (p);
        """,
        never=("DROP",),
    ),
    Case(
        "a partitioned table's key and indexes are renamed with the table",
        """
        CREATE TABLE p (a int PRIMARY KEY, b int) PARTITION BY LIST (a);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE INDEX ON p (b);
        """,
        """
        CREATE TABLE q (a int PRIMARY KEY, b int) PARTITION BY LIST (a);
        CREATE TABLE q1 PARTITION OF q FOR VALUES IN (1); CREATE INDEX ON q (b);
        """,
        renames=("public.p:public.q", "public.p1:public.q1"),
        rows="INSERT INTO p VALUES (1, 2);",
        never=("DROP",),
        back=False,
    ),
    Case(
        "a composite type's field changes its type under a table",
        """
        CREATE TYPE pair AS (x int, y int); CREATE TABLE t (a pair, b pair[]);
        CREATE VIEW v AS SELECT (a).x FROM t;
        """,
        """
        CREATE TYPE pair AS (x bigint, y text); CREATE TABLE t (a pair, b pair[]);
        CREATE VIEW v AS SELECT (a).x FROM t;
        """,
        rows="INSERT INTO t VALUES ((1, 2), ARRAY[(1, 2)::pair]);",
        holds=(("SELECT (a).y FROM t", "2"),),
    ),
    Case(
        "comments on everything",
        """
        CREATE SCHEMA s; CREATE DOMAIN s.d AS int CONSTRAINT c CHECK (VALUE > 0);
        CREATE TABLE s.t (a int NOT NULL); CREATE SEQUENCE s.q; CREATE TYPE s.y AS (f int);
        CREATE STATISTICS s.st ON a, (a + 1) FROM s.t;
        """,
        """
        CREATE SCHEMA s; CREATE DOMAIN s.d AS int CONSTRAINT c CHECK (VALUE > 0);
        CREATE TABLE s.t (a int NOT NULL); CREATE SEQUENCE s.q; CREATE TYPE s.y AS (f int);
        CREATE STATISTICS s.st ON a, (a + 1) FROM s.t;
        COMMENT ON SCHEMA s IS '1'; COMMENT ON DOMAIN s.d IS '2'; COMMENT ON SEQUENCE s.q IS '3';
        COMMENT ON CONSTRAINT c ON DOMAIN s.d IS '4'; COMMENT ON TYPE s.y IS '5';
        COMMENT ON COLUMN s.y.f IS '6'; COMMENT ON STATISTICS s.st IS '7';
        COMMENT ON CONSTRAINT t_a_not_null ON s.t IS '8';
        """,
    ),
)
