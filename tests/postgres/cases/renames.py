"""Renames that were answered."""

from __future__ import annotations

from tests.postgres.cases.case import Case

USERS = "CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL UNIQUE, age int);"
ROW = "INSERT INTO users (email) VALUES ('a@b');"

CASES = (
    Case(
        "a table with all that is named after it",
        USERS,
        """
        CREATE TABLE people (id serial PRIMARY KEY, email text NOT NULL UNIQUE, age int);
        """,
        ("public.users:public.people",),
        ROW,
        never=("DROP", "CREATE"),
    ),
    Case(
        "a table and its column, under a view, a key and an index",
        USERS
        + """
        CREATE TABLE posts (author int REFERENCES users); CREATE INDEX ON users (lower(email));
        CREATE VIEW mails AS SELECT email AS mail FROM users WHERE age > 5;
        CREATE POLICY p ON users USING (email <> 'x');
        ALTER TABLE users ADD CONSTRAINT c CHECK (length(email) > age);
        """,
        """
        CREATE TABLE people (id serial PRIMARY KEY, mail text NOT NULL UNIQUE, age int);
        CREATE TABLE posts (author int REFERENCES people); CREATE INDEX ON people (lower(mail));
        CREATE VIEW mails AS SELECT mail AS mail FROM people WHERE age > 5;
        CREATE POLICY p ON people USING (mail <> 'x');
        ALTER TABLE people ADD CONSTRAINT c CHECK (length(mail) > age);
        """,
        ("public.users:public.people", "public.people.email:public.people.mail"),
        ROW,
        never=("DROP TABLE", "DROP COLUMN", "DROP CONSTRAINT"),
    ),
    Case(
        "a column takes the name of a dropped one",
        "CREATE TABLE t (a int, b int);",
        """
        CREATE TABLE t (a int);
        """,
        ("public.t.b:public.t.a",),
        "INSERT INTO t VALUES (1, 2);",
        (("SELECT a FROM t", 2),),
    ),
    Case(
        "a table takes the name of another one",
        """
        CREATE TABLE a (x int); CREATE TABLE b (y int);
        """,
        "CREATE TABLE a (y int);",
        ("public.b:public.a",),
        holds=(("SELECT count(y) FROM a", 0),),
    ),
    Case(
        "a schema",
        "CREATE SCHEMA one; CREATE TABLE one.t (a serial); CREATE TYPE one.e AS ENUM ();"
        "CREATE FUNCTION one.f(one.e) RETURNS int LANGUAGE sql AS 'SELECT 1';",
        """
        CREATE SCHEMA two; CREATE TABLE two.t (a serial); CREATE TYPE two.e AS ENUM ();
        CREATE FUNCTION two.f(two.e) RETURNS int LANGUAGE sql AS 'SELECT 1';
        """,
        ("one:two",),
        "INSERT INTO one.t VALUES (1);",
        never=("DROP", "CREATE"),
    ),
    Case(
        "a table moves to a new schema",
        USERS + "CREATE INDEX i ON users (age);",
        """
        CREATE SCHEMA crm;
        CREATE TABLE crm.users (id serial PRIMARY KEY, email text NOT NULL UNIQUE, age int);
        CREATE INDEX i ON crm.users (age);
        """,
        ("public.users:crm.users",),
        ROW,
        never=("DROP", "CREATE TABLE"),
    ),
    Case(
        "an enum, its use and a label",
        """
        CREATE TYPE mood AS ENUM ('sad', 'ok');
        CREATE TABLE t (a mood DEFAULT 'sad', b mood[], CHECK (a <> 'ok'));
        CREATE FUNCTION f(mood) RETURNS mood LANGUAGE sql AS 'SELECT $1';
        """,
        """
        CREATE TYPE feeling AS ENUM ('blue', 'ok');
        CREATE TABLE t (a feeling DEFAULT 'blue', b feeling[], CHECK (a <> 'ok'));
        CREATE FUNCTION f(feeling) RETURNS feeling LANGUAGE sql AS 'SELECT $1';
        """,
        ("public.mood:public.feeling", "public.feeling.sad:public.feeling.blue"),
        "INSERT INTO t VALUES ('sad', '{ok}');",
        never=("DROP", "CREATE"),
        back=False,
    ),
    Case(
        "views, sequences, indexes, constraints, policies, domains",
        """
        CREATE TABLE t (a int CONSTRAINT c CHECK (a > 0)); CREATE INDEX i ON t (a);
        CREATE VIEW v AS SELECT a FROM t; CREATE MATERIALIZED VIEW m AS SELECT a FROM v;
        CREATE SEQUENCE s; CREATE POLICY p ON t USING (a > 1); CREATE DOMAIN d AS int;
        """,
        """
        CREATE TABLE t (a int CONSTRAINT c2 CHECK (a > 0)); CREATE INDEX i2 ON t (a);
        CREATE VIEW v2 AS SELECT a FROM t; CREATE MATERIALIZED VIEW m2 AS SELECT a FROM v2;
        CREATE SEQUENCE s2; CREATE POLICY p2 ON t USING (a > 1); CREATE DOMAIN d2 AS int;
        """,
        (
            "public.v:public.v2",
            "public.m:public.m2",
            "public.s:public.s2",
            "public.d:public.d2",
            "public.t.p:public.t.p2",
            "public.t.c:public.t.c2",
            "public.t.i:public.t.i2",
        ),
        never=("DROP", "CREATE"),
    ),
    Case(
        "a column of a partitioned table",
        """
        CREATE TABLE p (a int, b int) PARTITION BY LIST (a);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE INDEX ON p (b);
        """,
        """
        CREATE TABLE p (a int, c int) PARTITION BY LIST (a);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE INDEX ON p (c);
        """,
        ("public.p.b:public.p.c",),
        "INSERT INTO p VALUES (1, 7);",
        (("SELECT c FROM p", 7),),
    ),
)
