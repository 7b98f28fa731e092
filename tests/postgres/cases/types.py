"""Types, sequences, schemas, extensions."""

from __future__ import annotations

from tests.postgres.cases.case import Case

MOOD = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');"
PEOPLE = "CREATE TABLE people (name text, mood mood DEFAULT 'ok', moods mood[]);"
ROWS = "INSERT INTO people VALUES ('Ann', 'happy', '{happy,ok}');"

# What holds a domain inside of itself: Postgres checks no new constraint of the domain there.
HOLDERS = """
CREATE DOMAIN few AS posint CHECK (VALUE < 9); CREATE DOMAIN "Some" AS posint[];
CREATE TYPE pair AS (p posint, q text); CREATE DOMAIN pairs AS pair;
CREATE TYPE span AS RANGE (subtype = posint, multirange_type_name = spans);
CREATE TYPE both_ AS (s span, p pairs[]);
CREATE TABLE t (n posint, a posint[] DEFAULT '{1}', b few, c few[], d "Some", e pair, f pair[],
  g pairs, h span, i spans DEFAULT '{}', j both_, k posint[] GENERATED ALWAYS AS (ARRAY[n]) STORED);
CREATE INDEX ON t USING gist (h); CREATE INDEX ON t (a); ALTER TABLE t ADD UNIQUE (a, e);
CREATE VIEW v AS SELECT a, e FROM t;
CREATE MATERIALIZED VIEW m AS SELECT ARRAY[1]::posint[] AS a;
CREATE TABLE parent (a posint[], z int) PARTITION BY LIST (z);
CREATE TABLE child PARTITION OF parent DEFAULT;
"""
HELD = """
INSERT INTO t VALUES (1, '{{1,2},{3,4}}', 2, '{3}', '{4}', '(5,"x,""y")', '{"(6,)"}', '(7,z)',
  '[1,3)', '{[1,2),[4,)}', '("[2,3)","{""(8,)""}")');
INSERT INTO parent VALUES ('{9}');
"""
HELD_AS = (
    '(1,"{{1,2},{3,4}}",2,{3},{4},"(5,""x,""""y"")","{""(6,)""}","(7,z)","[1,3)","{[1,2),[4,)}",'
    '"(""[2,3)"",""{""""(8,)""""}"")",{1})'
)
POSITIVE = "CREATE DOMAIN posint AS int CONSTRAINT p CHECK (VALUE > 0);"
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
    Case(
        "a domain inside of arrays, composite types, ranges and other domains",
        POSITIVE + HOLDERS,
        f"CREATE DOMAIN posint AS int NOT NULL CONSTRAINT p CHECK (VALUE >= 0); {HOLDERS}",
        rows=HELD,
        holds=(("SELECT t::text FROM t", HELD_AS),),
        never=("RENAME", "DROP DOMAIN", "DROP TYPE"),
    ),
    Case(
        "a domain inside of others becomes another one",
        POSITIVE + HOLDERS,
        f"CREATE DOMAIN posint AS bigint CONSTRAINT p CHECK (VALUE > 0); {HOLDERS}",
        rows=HELD,
        holds=(("SELECT t::text FROM t", HELD_AS),),
    ),
    Case(
        "an array of a domain inside of a table's row type",
        POSITIVE + "CREATE TABLE t (a posint[], b posint); CREATE TABLE u (x t);",
        "CREATE DOMAIN posint AS int CONSTRAINT p CHECK (VALUE > 1);"
        "CREATE TABLE t (a posint[], b posint); CREATE TABLE u (x t);",
        rows="INSERT INTO t VALUES ('{2,3}', 4); INSERT INTO u SELECT t FROM t;",
        holds=(("SELECT x::text FROM u", '("{2,3}",4)'),),
    ),
    Case(
        "arrays of a domain come and go while it is checked",
        "CREATE DOMAIN posint AS int; CREATE TABLE t (b posint[], d int[], e posint[]);",
        POSITIVE + "CREATE TABLE t (b int[], d posint[]); CREATE TABLE n (x posint[]);",
        rows="INSERT INTO t VALUES ('{2}', '{3}', '{0}');",
        back=False,
    ),
)
