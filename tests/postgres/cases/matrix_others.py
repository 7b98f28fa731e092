"""Schemas, types, views, routines, and what else stands beside tables."""

from __future__ import annotations

from tests.postgres.cases.kind import Kind, attribute

T = "CREATE TABLE t (a int PRIMARY KEY, b text); "
ROWS = "INSERT INTO t VALUES (1, 'x'), (2, 'y');"
WATCH = "CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "

EVERYTHING = """
CREATE SCHEMA s[k]; CREATE TABLE s[k].t (a int PRIMARY KEY, b text); CREATE SEQUENCE s[k].q;
CREATE TYPE s[k].e AS ENUM ('x'); CREATE TYPE s[k].c AS (f int);
CREATE TYPE s[k].r AS RANGE (subtype = int4);
CREATE DOMAIN s[k].d AS int CONSTRAINT dc CHECK (VALUE > 0);
CREATE COLLATION s[k].l (provider = builtin, locale = 'C.UTF-8');
CREATE INDEX i ON s[k].t (b); CREATE VIEW s[k].v AS SELECT a FROM s[k].t;
CREATE MATERIALIZED VIEW s[k].m AS SELECT a FROM s[k].t;
CREATE FUNCTION s[k].f(x int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE s[k].p() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE s[k].g(int) (SFUNC = int4pl, STYPE = int);
CREATE FUNCTION s[k].w() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON s[k].t FOR EACH ROW EXECUTE FUNCTION s[k].w();
CREATE RULE ru AS ON DELETE TO s[k].t DO INSTEAD NOTHING;
CREATE POLICY po ON s[k].t USING (a > 0); CREATE STATISTICS s[k].st ON a, b FROM s[k].t;
"""
COMMENTED = """
SCHEMA s[k]
TABLE s[k].t
COLUMN s[k].t.b
CONSTRAINT t_pkey ON s[k].t
CONSTRAINT t_a_not_null ON s[k].t
SEQUENCE s[k].q
TYPE s[k].e
TYPE s[k].c
COLUMN s[k].c.f
TYPE s[k].r
DOMAIN s[k].d
CONSTRAINT dc ON DOMAIN s[k].d
COLLATION s[k].l
INDEX s[k].i
VIEW s[k].v
COLUMN s[k].v.a
MATERIALIZED VIEW s[k].m
COLUMN s[k].m.a
FUNCTION s[k].f(int)
PROCEDURE s[k].p()
AGGREGATE s[k].g(int)
TRIGGER tr ON s[k].t
RULE ru ON s[k].t
POLICY po ON s[k].t
STATISTICS s[k].st
"""


def comments(text: str) -> str:
    """Return a comment on everything."""
    places = COMMENTED.strip().splitlines()
    return "".join(f"COMMENT ON {place} IS '{text} %s :x {place}';" for place in places)


KINDS = (
    Kind(
        "schema",
        "CREATE SCHEMA [n]; CREATE TABLE [n].t (a serial);",
        "CREATE SCHEMA [n]; CREATE TABLE [n].t (a serial); COMMENT ON SCHEMA [n] IS 'x';",
        named="[n]",
        rows="INSERT INTO changed.t VALUES (1); INSERT INTO named.t VALUES (2);",
    ),
    attribute(
        "extension",
        "CREATE SCHEMA x[k]; [a];",
        "CREATE EXTENSION IF NOT EXISTS citext SCHEMA x[k]",
        "CREATE EXTENSION IF NOT EXISTS citext SCHEMA public",
    ),
    Kind(
        "enum",
        "CREATE TYPE [n] AS ENUM ('a', 'b'); CREATE TABLE t[k] (a [n] DEFAULT 'a', b [n][]);",
        "CREATE TYPE [n] AS ENUM ('b', 'a', 'c');CREATE TABLE t[k] (a [n] DEFAULT 'c', b [n][]);",
        "CREATE TABLE t[k] (a text);",
        named="public.[n]",
        rows="INSERT INTO t2 VALUES ('b', '{a,b}'); INSERT INTO t3 VALUES ('b');"
        "INSERT INTO t4 VALUES ('b');",
    ),
    Kind(
        "enum value",
        "CREATE TYPE e[k] AS ENUM ('a', '[n]', 'z'); CREATE TABLE t[k] (a e[k]);",
        "CREATE TYPE e[k] AS ENUM ('[n]', 'a', 'z'); CREATE TABLE t[k] (a e[k]);",
        "CREATE TYPE e[k] AS ENUM ('a', 'z'); CREATE TABLE t[k] (a e[k]);",
        named="public.e[k].[n]",
        rows="INSERT INTO t1 VALUES ('z'); INSERT INTO t2 VALUES ('changed');"
        "INSERT INTO t3 VALUES ('z'); INSERT INTO t4 VALUES ('named');",
    ),
    Kind(
        "domain",
        "CREATE DOMAIN [n] AS int CONSTRAINT c CHECK (VALUE > 0); CREATE TABLE t[k] (a [n]);",
        "CREATE DOMAIN [n] AS int DEFAULT 7 NOT NULL CONSTRAINT d CHECK (VALUE > 1);"
        "CREATE TABLE t[k] (a [n]);",
        "CREATE TABLE t[k] (a int);",
        named="public.[n]",
        rows="INSERT INTO t2 VALUES (5); INSERT INTO t3 VALUES (6); INSERT INTO t4 VALUES (7);",
    ),
    Kind(
        "composite type",
        "CREATE TYPE [n] AS (x int, y text); CREATE TABLE t[k] (a [n]);",
        "CREATE TYPE [n] AS (x bigint, z date); CREATE TABLE t[k] (a [n]);",
        "CREATE TABLE t[k] (a text);",
        named="public.[n]",
        rows="INSERT INTO t3 VALUES ('(1,x)'); INSERT INTO t4 VALUES ('(1,x)');",
    ),
    Kind(
        "range type",
        "CREATE TYPE [n] AS RANGE (subtype = int4); CREATE TABLE t[k] (a [n]);",
        "CREATE TYPE [n] AS RANGE (subtype = int8); CREATE TABLE t[k] (a [n]);",
        "CREATE TABLE t[k] (a int4range);",
        rows="INSERT INTO t2 VALUES ('[1,5)'); INSERT INTO t3 VALUES ('[1,5)');",
        nameless="its functions and its multirange do not follow it, so it is made anew",
    ),
    Kind(
        "collation object",
        "CREATE COLLATION [n] (provider = builtin, locale = 'C.UTF-8');"
        "CREATE TABLE t[k] (a text COLLATE [n]);",
        "CREATE COLLATION [n] (provider = builtin, locale = 'C');"
        "CREATE TABLE t[k] (a text COLLATE [n]);",
        "CREATE TABLE t[k] (a text);",
        named="public.[n]",
        rows="INSERT INTO t2 VALUES ('x'); INSERT INTO t4 VALUES ('y');",
    ),
    Kind(
        "sequence",
        "CREATE SEQUENCE [n];",
        "CREATE SEQUENCE [n] AS int INCREMENT BY 2 MINVALUE 5 MAXVALUE 500 CACHE 3 CYCLE;",
        named="public.[n]",
    ),
    Kind(
        "view",
        "CREATE VIEW [n] AS SELECT a FROM t; CREATE VIEW v[k] AS SELECT * FROM [n];",
        "CREATE VIEW [n] WITH (security_barrier) AS SELECT a, b FROM t WITH LOCAL CHECK OPTION;"
        "CREATE VIEW v[k] AS SELECT a FROM [n];",
        base=T,
        named="public.[n]",
        rows=ROWS,
    ),
    Kind(
        "materialized view",
        "CREATE MATERIALIZED VIEW [n] AS SELECT a FROM t; CREATE UNIQUE INDEX m[k] ON [n] (a);",
        "CREATE MATERIALIZED VIEW [n] AS SELECT a + 1 AS a FROM t; CREATE INDEX m[k] ON [n] (a);",
        base=T,
        named="public.[n]",
        rows=ROWS,
    ),
    Kind(
        "index of a materialized view",
        "CREATE INDEX [n] ON m (a, c[k]);",
        "CREATE UNIQUE INDEX [n] ON m (a DESC, c[k]);",
        base="CREATE MATERIALIZED VIEW m AS SELECT 1 AS a, 1 AS c1, 1 AS c2, 1 AS c3, 1 AS c4; ",
        named="public.[n]",
    ),
    Kind(
        "function",
        "CREATE FUNCTION [n](x int) RETURNS int LANGUAGE sql AS 'SELECT 1';",
        "CREATE FUNCTION [n](x int, y text DEFAULT '%s :x') RETURNS bigint LANGUAGE plpgsql "
        'STABLE AS $$\nBEGIN\n  -- 100% \\ """\n  RETURN 1;  \nEND $$;',
        named="public.[n](integer)",
    ),
    Kind(
        "procedure",
        "CREATE PROCEDURE [n](INOUT x int) LANGUAGE plpgsql AS 'BEGIN x := 1; END';",
        "CREATE PROCEDURE [n](INOUT x int) LANGUAGE plpgsql AS 'BEGIN x := 2; END';",
        named="public.[n](integer)",
    ),
    Kind(
        "aggregate",
        "CREATE AGGREGATE [n](int) (SFUNC = int4pl, STYPE = int);",
        "CREATE AGGREGATE [n](int) (SFUNC = int4pl, STYPE = int, INITCOND = '5');",
        named="public.[n](integer)",
    ),
    Kind(
        "trigger",
        "CREATE TRIGGER [n] AFTER INSERT ON t[k] FOR EACH ROW EXECUTE FUNCTION watch();",
        "CREATE TRIGGER [n] BEFORE UPDATE OF a ON t[k] FOR EACH ROW WHEN (NEW.a > 0) "
        "EXECUTE FUNCTION watch(); ALTER TABLE t[k] ENABLE ALWAYS TRIGGER [n];",
        base=WATCH + "".join(f"CREATE TABLE t{k} (a int); " for k in (1, 2, 3, 4)),
        named="public.t[k].[n]",
        rows="INSERT INTO t2 VALUES (1);",
    ),
    Kind(
        "rule",
        "CREATE RULE [n] AS ON DELETE TO t[k] DO INSTEAD NOTHING;",
        "CREATE RULE [n] AS ON UPDATE TO t[k] DO ALSO NOTIFY x;",
        base="".join(f"CREATE TABLE t{k} (a int); " for k in (1, 2, 3, 4)),
        named="public.t[k].[n]",
        rows="INSERT INTO t2 VALUES (1);",
    ),
    attribute(
        "row-level security",
        "CREATE TABLE t[k] (a int); [a];",
        "ALTER TABLE t[k] ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE t[k] ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        rows="INSERT INTO t2 VALUES (1);",
    ),
    Kind(
        "policy",
        "CREATE POLICY [n] ON t FOR SELECT USING (a > [k]);",
        "CREATE POLICY [n] ON t AS RESTRICTIVE USING (a > [k]) WITH CHECK (a < 9);",
        base=T,
        named="public.t.[n]",
        rows=ROWS,
    ),
    Kind(
        "statistics",
        "CREATE STATISTICS [n] ON a, b, (a + [k]) FROM t;",
        "CREATE STATISTICS [n] (ndistinct) ON a, b FROM t; ALTER STATISTICS [n] SET STATISTICS 9;",
        base=T,
        named="public.[n]",
        rows=ROWS,
    ),
    Kind(
        "comment",
        EVERYTHING + comments("one"),
        EVERYTHING + comments("other"),
        EVERYTHING,
        rows="INSERT INTO s2.t VALUES (1, 'x'), (2, 'y');",
        nameless="it has no name",
    ),
)
