"""Types, sequences, schemas, extensions."""

from __future__ import annotations

from tests.postgres.cases.case import Case

MOOD = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');"
PEOPLE = "CREATE TABLE people (name text, mood mood DEFAULT 'ok', moods mood[]);"
ROWS = "INSERT INTO people VALUES ('Ann', 'happy', '{happy,ok}');"

CASES = (
    Case(
        "labels are added where they belong",
        MOOD + PEOPLE,
        f"""
        CREATE TYPE mood AS ENUM ('awful', 'sad', 'ok', 'fine', 'happy', 'great'); {PEOPLE}
        """,
        rows=ROWS,
        never=("DROP",),
    ),
    Case(
        "a label is added and used at once",
        MOOD + PEOPLE,
        """
        CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'new');
        CREATE TABLE people (name text, mood mood DEFAULT 'new', moods mood[]);
        """,
        rows=ROWS,
    ),
    Case(
        "a label is dropped under what uses it",
        MOOD
        + PEOPLE
        + """
        CREATE DOMAIN calm AS mood CHECK (VALUE <> 'happy');
        CREATE TABLE walks (how calm);
        CREATE VIEW happy AS SELECT name FROM people WHERE mood = 'happy';
        CREATE INDEX ON people (mood) WHERE mood = 'ok';
        CREATE FUNCTION feel(mood) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
        """,
        """
        CREATE TYPE mood AS ENUM ('happy', 'ok');
        """
        + PEOPLE
        + """
        CREATE DOMAIN calm AS mood CHECK (VALUE <> 'happy');
        CREATE TABLE walks (how calm);
        CREATE VIEW happy AS SELECT name FROM people WHERE mood = 'happy';
        CREATE INDEX ON people (mood) WHERE mood = 'ok';
        CREATE FUNCTION feel(mood) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
        """,
        rows=ROWS,
        holds=(("SELECT mood::text FROM people", "happy"),),
    ),
    Case(
        "a column leaves its enum",
        MOOD + PEOPLE,
        """
        CREATE TABLE people (name text, mood text DEFAULT 'ok', moods text[]);
        """,
        rows=ROWS,
        holds=(("SELECT mood FROM people", "happy"),),
    ),
    Case(
        "a label is renamed",
        MOOD + PEOPLE,
        f"""
        CREATE TYPE mood AS ENUM ('blue', 'ok', 'happy'); {PEOPLE}
        """,
        renames=("public.mood.sad:public.mood.blue",),
        rows=ROWS,
        never=("CREATE TYPE",),
    ),
    Case(
        "a domain changes in place",
        """
        CREATE DOMAIN posint AS int CHECK (VALUE > 0); CREATE TABLE t (a posint);
        """,
        """
        CREATE DOMAIN posint AS int DEFAULT 5 NOT NULL CONSTRAINT small CHECK (VALUE < 10);
        CREATE TABLE t (a posint); COMMENT ON DOMAIN posint IS 'small';
        """,
        rows="INSERT INTO t VALUES (5);",
    ),
    Case(
        "a domain changes its base",
        """
        CREATE DOMAIN code AS varchar(5); CREATE TABLE t (a code DEFAULT 'x', b code[]);
        """,
        "CREATE DOMAIN code AS text; CREATE TABLE t (a code DEFAULT 'x', b code[]);",
        rows="INSERT INTO t VALUES ('abc', '{x}');",
    ),
    Case(
        "a composite type gains and loses fields",
        """
        CREATE TYPE point2 AS (x int, y int); CREATE TABLE t (at point2);
        """,
        "CREATE TYPE point2 AS (x int, z text); CREATE TABLE t (at point2);",
    ),
    Case(
        "a composite type's field changes its type",
        "CREATE TYPE p AS (x int, y int);",
        """
        CREATE TYPE p AS (x int, y text);
        """,
    ),
    Case(
        "ranges and collations",
        "",
        """
        CREATE COLLATION german (provider = builtin, locale = 'C.UTF-8');
        CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = float8mi);
        CREATE TABLE t (a text COLLATE german, b span, c span_multirange);
        """,
    ),
    Case(
        "a range changes its subtype",
        """
        CREATE TYPE span AS RANGE (subtype = int4); CREATE TABLE t (b span);
        """,
        "CREATE TYPE span AS RANGE (subtype = int8); CREATE TABLE t (b span);",
        rows="INSERT INTO t VALUES ('[1,5)');",
    ),
    Case(
        "a sequence changes and keeps its value",
        """
        CREATE SEQUENCE s; CREATE TABLE t (a int DEFAULT nextval('s'));
        """,
        """
        CREATE SEQUENCE s AS int INCREMENT BY 2 MAXVALUE 1000 CACHE 5 CYCLE;
        CREATE TABLE t (a int DEFAULT nextval('s')); ALTER SEQUENCE s OWNED BY t.a;
        """,
        rows="INSERT INTO t VALUES (DEFAULT), (DEFAULT);",
        holds=(("SELECT last_value FROM s", 2),),
    ),
    Case(
        "a sequence's bounds get narrower",
        "CREATE SEQUENCE s;",
        """
        CREATE SEQUENCE s MINVALUE 10 MAXVALUE 20;
        """,
    ),
    Case(
        "an extension and a type of it",
        "",
        """
        CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE TABLE t (a ext.citext);
        """,
    ),
    Case(
        "what does not fit a type behind a domain is lost",
        "CREATE DOMAIN wide AS text; CREATE DOMAIN narrow AS varchar(3);"
        "CREATE TABLE t (a wide, b narrow, c narrow[], d narrow)",
        "CREATE DOMAIN wide AS text; CREATE DOMAIN narrow AS varchar(3);"
        "CREATE TABLE t (a narrow, b varchar(2), c varchar(2)[], d wide)",
        says=(
            "loses the values of public.t.a that do not fit public.narrow",
            "the values of public.t.b that do not fit character varying(2)",
            "the values of public.t.c that do not fit",
        ),
        never=("the values of public.t.d",),
    ),
    Case(
        "a domain that becomes narrower",
        "CREATE DOMAIN d AS varchar(3); CREATE TABLE t (a d)",
        "CREATE DOMAIN d AS varchar(2); CREATE TABLE t (a d)",
        says=("loses the values of public.t.a that do not fit public.d",),
    ),
    Case(
        "types that can only change in a circle, one of which goes out of the way",
        """
        CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TYPE pair AS (a int);
        CREATE TYPE span AS RANGE (subtype = date); CREATE TABLE t (y mood[], u span);
        """,
        """
        CREATE TYPE mood AS ENUM ('a'); CREATE TYPE pair AS (a int, c mood);
        CREATE TYPE span AS RANGE (subtype = integer); CREATE TABLE t (y span, u pair);
        """,
    ),
    Case(
        "a composite type loses a field of a type that is made anew, and a column becomes that one",
        """
        CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TYPE pair AS (a int, c mood);
        CREATE TABLE t (z pair);
        """,
        """
        CREATE TYPE mood AS ENUM ('b', 'a'); CREATE TYPE pair AS (a int);
        CREATE TABLE t (z mood);
        """,
        never=("DROP TYPE public.pair",),
    ),
)
