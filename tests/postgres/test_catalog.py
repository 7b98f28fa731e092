"""A catalog holds everything a database is made of, as Postgres spells it, and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from limbeck.schema.catalog import pipeline, store
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.filters import Filters
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column, Identity, NotNull
from limbeck.schema.catalog.objects.constraints import Constraint, Reference
from limbeck.schema.catalog.objects.definitions import Definition
from limbeck.schema.catalog.objects.indexes import Index, Key
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.sequences import SequenceOptions
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Attribute, DomainCheck
from limbeck.schema.catalog.objects.views import ViewColumn
from limbeck.schema.catalog.pipeline import asked
from limbeck.schema.catalog.read import QUESTIONS, read

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.postgres.embedded.server import Server


def at(kind: str, name: str, part: str = "", schema: str = "public") -> Address:
    """Return an address, in public unless said otherwise."""
    return Address(kind, schema, name, part)


COUNTS = SequenceOptions(
    type="bigint", start=1, increment=1, minimum=1, maximum=2**63 - 1, cache=1, cycle=False
)
TABLE = "CREATE TABLE t (a integer, b text, c numeric(10,2));"
TRIGGER = """CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
    CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();"""
PARTITIONED = """CREATE TABLE p (a integer, b integer) PARTITION BY RANGE (a);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (10);"""
TWO = "CREATE TABLE r (x integer, y integer, UNIQUE (x, y)); CREATE TABLE t (a integer, b integer);"

# What is created, the object that comes of it, and what is said of it.
CASES: list[tuple[str, Address, dict[str, Any]]] = [
    # schemas and extensions
    ("", at("schema", "public", schema=""), {"comment": None}),
    ("COMMENT ON SCHEMA public IS 'x'", at("schema", "public", schema=""), {"comment": "x"}),
    ('CREATE SCHEMA "A b"', at("schema", "A b", schema=""), {"name": "A b"}),
    ("CREATE EXTENSION citext", at("extension", "citext", schema=""), {"schema": "public"}),
    # types
    (
        "CREATE TYPE e AS ENUM ('b', 'a'); COMMENT ON TYPE e IS 'x'",
        at("enum", "e"),
        {"labels": ("b", "a"), "comment": "x"},
    ),
    (
        "CREATE TYPE e AS ENUM ('b', 'a'); ALTER TYPE e ADD VALUE 'c' BEFORE 'b'",
        at("enum", "e"),
        {"labels": ("c", "b", "a")},
    ),
    ("CREATE TYPE e AS ENUM ()", at("enum", "e"), {"labels": ()}),
    (
        """CREATE DOMAIN d AS varchar(9) COLLATE "C" DEFAULT 'x' CONSTRAINT nn NOT NULL
           CONSTRAINT k CHECK (VALUE <> ''); COMMENT ON CONSTRAINT k ON DOMAIN d IS 'y';
           ALTER DOMAIN d ADD CONSTRAINT a CHECK (VALUE <> 'z') NOT VALID""",
        at("domain", "d"),
        {
            "type": "character varying(9)",
            "collation": '"C"',
            "default": "'x'::character varying",
            "not_null": True,
            "not_null_name": "nn",
            "checks": (
                DomainCheck(name="a", definition="CHECK (((VALUE)::text <> 'z'::text)) NOT VALID"),
                DomainCheck(
                    name="k", definition="CHECK (((VALUE)::text <> ''::text))", comment="y"
                ),
            ),
        },
    ),
    (
        """CREATE TYPE c AS (a integer, b text COLLATE "C"); COMMENT ON COLUMN c.b IS 'x'""",
        at("composite", "c"),
        {
            "attributes": (
                Attribute(name="a", type="integer"),
                Attribute(name="b", type="text", collation='"C"', comment="x"),
            )
        },
    ),
    (
        """CREATE FUNCTION d(float8, float8) RETURNS float8 IMMUTABLE RETURN $1 - $2;
           CREATE TYPE r AS RANGE (subtype = float8, subtype_diff = d)""",
        at("range", "r"),
        {
            "subtype": "double precision",
            "subtype_diff": "public.d",
            "multirange": "public.r_multirange",
        },
    ),
    (
        (
            "CREATE TYPE r AS RANGE (subtype = text, subtype_opclass = text_pattern_ops,"
            ' collation = "C", multirange_type_name = m)'
        ),
        at("range", "r"),
        {
            "subtype_opclass": "pg_catalog.text_pattern_ops",
            "collation": '"C"',
            "multirange": "public.m",
        },
    ),
    (
        "CREATE COLLATION k (provider = builtin, locale = 'C.UTF-8')",
        at("collation", "k"),
        {"provider": "builtin", "locale": "C.UTF-8", "deterministic": True},
    ),
    (
        "CREATE COLLATION k (lc_collate = 'C', lc_ctype = 'C')",
        at("collation", "k"),
        {"provider": "libc", "lc_collate": "C", "lc_ctype": "C"},
    ),
    # sequences
    (
        (
            "CREATE UNLOGGED SEQUENCE s AS smallint START 3 INCREMENT 2 MINVALUE 2"
            " MAXVALUE 9 CACHE 5"
            " CYCLE; COMMENT ON SEQUENCE s IS 'x'"
        ),
        at("sequence", "s"),
        {
            "options": SequenceOptions(
                type="smallint", start=3, increment=2, minimum=2, maximum=9, cache=5, cycle=True
            ),
            "owned_by": None,
            "unlogged": True,
            "comment": "x",
        },
    ),
    (
        "CREATE TABLE t (a bigserial)",
        at("sequence", "t_a_seq"),
        {"owned_by": at("column", "t", "a"), "options": COUNTS},
    ),
    # tables
    (
        (
            "CREATE UNLOGGED TABLE t (a integer, b text) WITH (fillfactor=70,"
            " toast.autovacuum_enabled=off); COMMENT ON TABLE t IS 'x'"
        ),
        at("table", "t"),
        {
            "kind": "r",
            "unlogged": True,
            "options": ("fillfactor=70", "toast.autovacuum_enabled=off"),
            "columns": ("a", "b"),
            "comment": "x",
        },
    ),
    (
        f"{TABLE} ALTER TABLE t DROP COLUMN b; ALTER TABLE t ADD b text",
        at("table", "t"),
        {"columns": ("a", "c", "b")},
    ),
    (
        PARTITIONED,
        at("table", "p"),
        {"kind": "p", "partition_key": "RANGE (a)", "partition_of": None},
    ),
    (
        PARTITIONED,
        at("table", "p1"),
        {
            "kind": "r",
            "partition_of": at("table", "p"),
            "partition_bound": "FOR VALUES FROM (1) TO (10)",
            "inherits": (),
        },
    ),
    (
        "CREATE TABLE x (a integer); CREATE TABLE y (b integer); CREATE TABLE t () INHERITS (y, x)",
        at("table", "t"),
        {"inherits": (at("table", "y"), at("table", "x")), "partition_of": None},
    ),
    (
        (
            f"{TABLE} ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY,"
            " REPLICA IDENTITY FULL"
        ),
        at("table", "t"),
        {"row_security": True, "force_row_security": True, "replica_identity": "f"},
    ),
    (
        "CREATE TYPE c AS (a integer); CREATE TABLE t OF c",
        at("table", "t"),
        {"of_type": "public.c"},
    ),
    (
        """CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
           CREATE FOREIGN TABLE t (a integer) SERVER s OPTIONS (x 'y')""",
        at("table", "t"),
        {"kind": "f", "server": "s", "server_options": ("x=y",)},
    ),
    # columns
    (
        "CREATE TABLE t (a varchar(9) NOT NULL DEFAULT 'x'); COMMENT ON COLUMN t.a IS 'y'",
        at("column", "t", "a"),
        {
            "type": "character varying(9)",
            "not_null": NotNull(name="t_a_not_null"),
            "default": "'x'::character varying",
            "comment": "y",
            "position": 1,
        },
    ),
    (
        (
            "CREATE TABLE t (a integer CONSTRAINT nn NOT NULL NO INHERIT);"
            "COMMENT ON CONSTRAINT nn ON t IS 'x'"
        ),
        at("column", "t", "a"),
        {"not_null": NotNull(name="nn", no_inherit=True, comment="x")},
    ),
    (
        f"{TABLE} ALTER TABLE t ADD CONSTRAINT nn NOT NULL a NOT VALID",
        at("column", "t", "a"),
        {"not_null": NotNull(name="nn", validated=False)},
    ),
    (
        "CREATE TABLE x (a integer NOT NULL); CREATE TABLE t () INHERITS (x)",
        at("column", "t", "a"),
        {"inherited": True, "not_null": NotNull(name="x_a_not_null", inherited=True)},
    ),
    (
        "CREATE TABLE t (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED)",
        at("column", "t", "b"),
        {"generated": "s", "default": "(a * 2)"},
    ),
    (
        "CREATE TABLE t (a integer, b integer GENERATED ALWAYS AS (a * 2))",
        at("column", "t", "b"),
        {"generated": "v", "default": "(a * 2)"},
    ),
    (
        "CREATE TABLE t (a bigint GENERATED ALWAYS AS IDENTITY)",
        at("column", "t", "a"),
        {"identity": Identity(always=True, sequence="public.t_a_seq", options=COUNTS)},
    ),
    (
        "CREATE TABLE t (a bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME s START 5))",
        at("column", "t", "a"),
        {
            "identity": Identity(
                always=False, sequence="public.s", options=replace(COUNTS, start=5)
            ),
            "default": None,
        },
    ),
    (
        (
            'CREATE TABLE t (a text STORAGE EXTERNAL COMPRESSION pglz COLLATE "C");'
            "ALTER TABLE t ALTER a SET STATISTICS 300, ALTER a SET (n_distinct = 5)"
        ),
        at("column", "t", "a"),
        {
            "collation": '"C"',
            "storage": "EXTERNAL",
            "compression": "pglz",
            "statistics": 300,
            "options": ("n_distinct=5",),
        },
    ),
    (
        "CREATE TABLE t (a text STORAGE EXTENDED)",
        at("column", "t", "a"),
        {"storage": None, "compression": None, "collation": None, "statistics": None},
    ),
    (
        "CREATE TABLE t (a timestamptz DEFAULT '2020-01-02 03:04+05')",
        at("column", "t", "a"),
        {"default": "'2020-01-01 22:04:00+00'::timestamp with time zone"},
    ),
    (
        'CREATE SCHEMA "A b"; CREATE TYPE "A b"."E" AS ENUM (); CREATE TABLE t (a "A b"."E"[])',
        at("column", "t", "a"),
        {"type": '"A b"."E"[]'},
    ),
    # constraints
    (
        (
            "CREATE TABLE t (a integer, b integer, CONSTRAINT k PRIMARY KEY (b, a) INCLUDE (c),"
            " c integer) ; COMMENT ON CONSTRAINT k ON t IS 'x'; ALTER TABLE t CLUSTER ON k"
        ),
        at("constraint", "t", "k"),
        {
            "type": "p",
            "definition": "PRIMARY KEY (b, a) INCLUDE (c)",
            "columns": ("b", "a"),
            "include": ("c",),
            "comment": "x",
            "clustered": True,
        },
    ),
    (
        (
            f"{TABLE} ALTER TABLE t ADD CONSTRAINT k UNIQUE NULLS NOT DISTINCT (a, b)"
            " WITH (fillfactor=70) DEFERRABLE INITIALLY DEFERRED"
        ),
        at("constraint", "t", "k"),
        {
            "type": "u",
            "nulls_not_distinct": True,
            "options": ("fillfactor=70",),
            "deferrable": True,
            "deferred": True,
        },
    ),
    (
        (
            "CREATE TABLE t (a integer NOT NULL UNIQUE);"
            "ALTER TABLE t REPLICA IDENTITY USING INDEX t_a_key"
        ),
        at("constraint", "t", "t_a_key"),
        {"replica_identity": True},
    ),
    (
        f"{TABLE} ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0 AND b <> ')') NO INHERIT NOT VALID",
        at("constraint", "t", "k"),
        {
            "type": "c",
            "definition": "CHECK (((a > 0) AND (b <> ')'::text))) NO INHERIT NOT VALID",
            "expression": "((a > 0) AND (b <> ')'::text))",
            "validated": False,
            "no_inherit": True,
            "columns": ("a", "b"),
        },
    ),
    (
        f"{TABLE} ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT ENFORCED",
        at("constraint", "t", "k"),
        {"enforced": False, "expression": "(a > 0)"},
    ),
    (
        "CREATE TABLE x (a integer CONSTRAINT k CHECK (a > 0)); CREATE TABLE t () INHERITS (x)",
        at("constraint", "t", "k"),
        {"inherited": True},
    ),
    (
        "CREATE TABLE t (a int4range, CONSTRAINT k EXCLUDE USING gist (a WITH &&))",
        at("constraint", "t", "k"),
        {
            "type": "x",
            "definition": "EXCLUDE USING gist (a WITH &&)",
            "index": "CREATE INDEX k ON public.t USING gist (a)",
        },
    ),
    (
        (
            f"{TWO} ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a, b) REFERENCES r"
            " (x, y) MATCH FULL"
            " ON UPDATE CASCADE ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED NOT VALID"
        ),
        at("constraint", "t", "k"),
        {
            "type": "f",
            "columns": ("a", "b"),
            "reference": Reference(
                table=at("table", "r"),
                columns=("x", "y"),
                on_update="CASCADE",
                on_delete="RESTRICT",
                match="FULL",
            ),
            "deferrable": True,
            "deferred": True,
            "validated": False,
        },
    ),
    (
        (
            "CREATE TABLE r (x integer, y integer, UNIQUE (x, y)); CREATE TABLE t"
            ' (a integer, "B" int,'
            ' CONSTRAINT k FOREIGN KEY (a, "B") REFERENCES r (x, y) ON DELETE SET NULL ("B"))'
        ),
        at("constraint", "t", "k"),
        {
            "reference": Reference(
                table=at("table", "r"), columns=("x", "y"), on_delete='SET NULL ("B")'
            )
        },
    ),
    (
        """CREATE TABLE r (x int4range, v int4range, PRIMARY KEY (x, v WITHOUT OVERLAPS));
           CREATE TABLE t (x int4range, v int4range,
             CONSTRAINT k FOREIGN KEY (x, PERIOD v) REFERENCES r)""",
        at("constraint", "t", "k"),
        {"definition": "FOREIGN KEY (x, PERIOD v) REFERENCES public.r(x, PERIOD v)"},
    ),
    (
        """CREATE SCHEMA neon_auth; CREATE TABLE neon_auth.u (a integer, b integer PRIMARY KEY);
           CREATE TABLE t (a integer CONSTRAINT k REFERENCES neon_auth.u)""",
        at("constraint", "t", "k"),
        {"reference": Reference(table=at("table", "u", schema="neon_auth"), columns=("b",))},
    ),
    # indexes
    (
        (
            f"{TABLE} CREATE UNIQUE INDEX i ON t USING btree (a DESC NULLS LAST, lower(b) COLLATE"
            ' "C" text_pattern_ops) INCLUDE (c) NULLS NOT DISTINCT WITH'
            " (fillfactor=70) WHERE a > 0;"
            " ALTER INDEX i ALTER COLUMN 2 SET STATISTICS 9; COMMENT ON INDEX i IS 'x'"
        ),
        at("index", "i"),
        {
            "table": at("table", "t"),
            "unique": True,
            "method": "btree",
            "keys": (
                Key(column="a", expression=None, descending=True),
                Key(
                    column=None,
                    expression="lower(b)",
                    opclass="text_pattern_ops",
                    collation='"C"',
                ),
            ),
            "include": ("c",),
            "where": "(a > 0)",
            "options": ("fillfactor=70",),
            "nulls_not_distinct": True,
            "statistics": ((2, 9),),
            "comment": "x",
            "clustered": False,
        },
    ),
    (
        f"{TABLE} CREATE INDEX i ON t (a NULLS FIRST, b); ALTER TABLE t CLUSTER ON i",
        at("index", "i"),
        {
            "definition": "CREATE INDEX i ON public.t USING btree (a NULLS FIRST, b)",
            "keys": (
                Key(column="a", expression=None, nulls_first=True),
                Key(column="b", expression=None),
            ),
            "clustered": True,
        },
    ),
    (
        "CREATE TABLE t (a tsvector); CREATE INDEX i ON t USING gist (a tsvector_ops (siglen='9'))",
        at("index", "i"),
        {
            "keys": (Key(column="a", expression=None, opclass="tsvector_ops (siglen='9')"),),
        },
    ),
    (
        (
            "CREATE TABLE t (a integer NOT NULL); CREATE UNIQUE INDEX i ON t (a);"
            "ALTER TABLE t REPLICA IDENTITY USING INDEX i"
        ),
        at("index", "i"),
        {"replica_identity": True},
    ),
    (f"{PARTITIONED} CREATE INDEX i ON ONLY p (b)", at("index", "i"), {"valid": False}),
    (
        f"{PARTITIONED} CREATE INDEX i ON p (b)",
        at("index", "p1_b_idx"),
        {"parent": at("index", "i"), "table": at("table", "p1")},
    ),
    # views
    (
        f"""{TABLE} CREATE VIEW v WITH (security_barrier) AS SELECT a FROM t WHERE a > 1
            WITH LOCAL CHECK OPTION; ALTER VIEW v ALTER a SET DEFAULT 5;
            COMMENT ON COLUMN v.a IS 'x'; COMMENT ON VIEW v IS 'y'""",
        at("view", "v"),
        {
            "definition": "SELECT a\n   FROM public.t\n  WHERE (a > 1)",
            "materialized": False,
            "options": ("check_option=local", "security_barrier=true"),
            "columns": (ViewColumn(name="a", type="integer", default="5", comment="x"),),
            "comment": "y",
        },
    ),
    (
        (
            f"{TABLE} CREATE MATERIALIZED VIEW v WITH (fillfactor=70) AS SELECT a"
            " FROM t WITH NO DATA;"
            "CREATE INDEX i ON v (a)"
        ),
        at("view", "v"),
        {"materialized": True, "populated": False, "options": ("fillfactor=70",)},
    ),
    (
        f"{TABLE} CREATE MATERIALIZED VIEW v AS SELECT a FROM t; CREATE INDEX i ON v (a)",
        at("index", "i"),
        {"table": at("view", "v")},
    ),
    # functions
    (
        (
            "CREATE FUNCTION f(IN a integer, OUT b text, VARIADIC c text[] DEFAULT"
            " '{}') LANGUAGE sql"
            " STABLE STRICT SECURITY DEFINER LEAKPROOF COST 5 PARALLEL SAFE SET work_mem = '1MB'"
            " AS 'select $1::text'; COMMENT ON FUNCTION f IS 'x'"
        ),
        at("function", "f(integer, text[])"),
        {
            "kind": "f",
            "name": "f",
            "arguments": "a integer, OUT b text, VARIADIC c text[] DEFAULT '{}'::text[]",
            "result": "text",
            "language": "sql",
            "comment": "x",
            "definition": "CREATE OR REPLACE FUNCTION public.f(a integer, OUT b text, VARIADIC c"
            " text[] DEFAULT '{}'::text[])\n RETURNS text\n LANGUAGE sql\n STABLE PARALLEL SAFE"
            " STRICT SECURITY DEFINER LEAKPROOF COST 5\n SET work_mem TO '1MB'\nAS"
            " $function$select $1::text$function$",
        },
    ),
    (
        "CREATE PROCEDURE f(a integer, OUT b integer) LANGUAGE sql AS 'select 1'",
        at("function", "f(integer)"),
        {"kind": "p", "result": None},
    ),
    (
        "CREATE FUNCTION \"F\"() RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number'",
        at("function", '"F"()'),
        {"kind": "w", "name": "F"},
    ),
    (
        (
            "CREATE AGGREGATE f(integer) (SFUNC = int4pl, STYPE = integer, SSPACE"
            " = 8, INITCOND = '0',"
            " COMBINEFUNC = int4pl, MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = integer,"
            " MINITCOND = '1', SORTOP = OPERATOR(pg_catalog.<), PARALLEL = SAFE,"
            " FINALFUNC = int4abs, FINALFUNC_MODIFY = SHAREABLE)"
        ),
        at("function", "f(integer)"),
        {"kind": "a", "result": "integer"},
    ),
    (
        "CREATE AGGREGATE f(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0')",
        at("function", "f()"),
        {"kind": "a"},
    ),
    (
        (
            "CREATE AGGREGATE f(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition,"
            " STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA)"
        ),
        at("function", "f(double precision, anyelement)"),
        {"arguments": "double precision ORDER BY anyelement"},
    ),
    (
        (
            'CREATE AGGREGATE f(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC ='
            " ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final,"
            " FINALFUNC_EXTRA, HYPOTHETICAL)"
        ),
        at("function", 'f("any")'),
        {"kind": "a"},
    ),
    # what tables do
    (
        f"{TABLE} {TRIGGER} ALTER TABLE t DISABLE TRIGGER g; COMMENT ON TRIGGER g ON t IS 'x'",
        at("trigger", "t", "g"),
        {
            "definition": "CREATE TRIGGER g BEFORE INSERT ON public.t FOR EACH ROW"
            " EXECUTE FUNCTION public.f()",
            "enabled": "D",
            "comment": "x",
        },
    ),
    (
        f"{PARTITIONED} {TRIGGER.replace('ON t', 'ON p')}",
        at("trigger", "p1", "g"),
        {"inherited": True},
    ),
    (
        f"{TABLE} CREATE POLICY y ON t AS RESTRICTIVE FOR UPDATE USING (a > 0) WITH CHECK (a > 1)",
        at("policy", "t", "y"),
        {
            "command": "UPDATE",
            "permissive": False,
            "roles": ("public",),
            "using": "(a > 0)",
            "check": "(a > 1)",
        },
    ),
    (
        (
            f"{TABLE} CREATE RULE y AS ON DELETE TO t WHERE old.a > 1 DO INSTEAD NOTHING;"
            "ALTER TABLE t ENABLE ALWAYS RULE y; COMMENT ON RULE y ON t IS 'x'"
        ),
        at("rule", "t", "y"),
        {
            "definition": "CREATE RULE y AS\n    ON DELETE TO public.t\n   WHERE (old.a > 1)"
            " DO INSTEAD NOTHING",
            "enabled": "A",
            "comment": "x",
        },
    ),
    (
        (
            f"{TABLE} CREATE STATISTICS s (ndistinct) ON a, b FROM t; ALTER STATISTICS s"
            " SET STATISTICS 9; COMMENT ON STATISTICS s IS 'x'"
        ),
        at("statistics", "s"),
        {
            "definition": "CREATE STATISTICS public.s (ndistinct) ON a, b FROM public.t",
            "target": 9,
            "comment": "x",
        },
    ),
    # the rarer ones
    (
        """CREATE FUNCTION f(integer, text) RETURNS boolean IMMUTABLE RETURN $1 > 1;
           CREATE OPERATOR === (FUNCTION = f, LEFTARG = integer, RIGHTARG = text, RESTRICT = eqsel,
           JOIN = eqjoinsel, NEGATOR = !==, HASHES, MERGES);
           COMMENT ON OPERATOR === (integer, text) IS 'x'""",
        at("operator", "===(integer, text)"),
        {
            "create": "CREATE OPERATOR public.=== (\n    FUNCTION = public.f,\n"
            "    LEFTARG = integer,\n    RIGHTARG = text,\n"
            "    NEGATOR = OPERATOR(public.!==),\n    RESTRICT = eqsel,\n"
            "    JOIN = eqjoinsel,\n    HASHES,\n    MERGES\n)",
            "comment": "x",
        },
    ),
    (
        """CREATE FUNCTION f(integer) RETURNS integer IMMUTABLE RETURN - $1;
           CREATE OPERATOR -- (FUNCTION = f, RIGHTARG = integer)""".replace("--", "!@"),
        at("operator", "!@(NONE, integer)"),
        {"drop": "DROP OPERATOR public.!@ (NONE, integer)"},
    ),
    (
        """CREATE OPERATOR FAMILY o USING btree; ALTER OPERATOR FAMILY o USING btree ADD
           OPERATOR 1 <(int4, int8), FUNCTION 1 (int4, int8) btint48cmp(int4, int8)""",
        at("operator_family", "o USING btree"),
        {},
    ),
    (
        """CREATE TYPE c AS (a integer);
           CREATE FUNCTION lt(c, c) RETURNS boolean IMMUTABLE RETURN ($1).a < ($2).a;
           CREATE FUNCTION cmp(c, c) RETURNS integer IMMUTABLE RETURN ($1).a - ($2).a;
           CREATE OPERATOR <<< (FUNCTION = lt, LEFTARG = c, RIGHTARG = c);
           CREATE OPERATOR CLASS o DEFAULT FOR TYPE c USING btree AS OPERATOR 1 <<<,
           FUNCTION 1 cmp(c, c)""",
        at("operator_class", "o USING btree"),
        {},
    ),
    (
        """CREATE TYPE e AS ENUM ('a'); CREATE FUNCTION f(integer) RETURNS e IMMUTABLE
           RETURN 'a'::e; CREATE CAST (integer AS e) WITH FUNCTION f(integer) AS ASSIGNMENT""",
        at("cast", "(integer AS public.e)", schema=""),
        {
            "create": "CREATE CAST (integer AS public.e) WITH FUNCTION public.f(integer)"
            " AS ASSIGNMENT"
        },
    ),
    (
        "CREATE TYPE e AS ENUM ('a'); CREATE CAST (text AS e) WITH INOUT AS IMPLICIT",
        at("cast", "(text AS public.e)", schema=""),
        {"create": "CREATE CAST (text AS public.e) WITH INOUT AS IMPLICIT"},
    ),
    (
        (
            "CREATE TEXT SEARCH PARSER o (START = prsd_start, GETTOKEN = prsd_nexttoken,"
            " END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline)"
        ),
        at("text_search_parser", "o"),
        {},
    ),
    (
        "CREATE TEXT SEARCH TEMPLATE o (INIT = dsimple_init, LEXIZE = dsimple_lexize)",
        at("text_search_template", "o"),
        {},
    ),
    (
        "CREATE TEXT SEARCH DICTIONARY o (TEMPLATE = simple, ACCEPT = false)",
        at("text_search_dictionary", "o"),
        {
            "create": "CREATE TEXT SEARCH DICTIONARY public.o (\n"
            "    TEMPLATE = pg_catalog.simple,\n    accept = 'false'\n)"
        },
    ),
    (
        """CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple);
           CREATE TEXT SEARCH CONFIGURATION o (PARSER = "default");
           ALTER TEXT SEARCH CONFIGURATION o ADD MAPPING FOR asciiword, int WITH d, simple""",
        at("text_search_configuration", "o"),
        {
            "create": 'CREATE TEXT SEARCH CONFIGURATION public.o (PARSER = pg_catalog."default");\n'
            "ALTER TEXT SEARCH CONFIGURATION public.o ADD MAPPING FOR asciiword WITH public.d,"
            ' simple;\nALTER TEXT SEARCH CONFIGURATION public.o ADD MAPPING FOR "int" WITH'
            " public.d, simple"
        },
    ),
    (
        "CREATE FOREIGN DATA WRAPPER w OPTIONS (x 'y')",
        at("foreign_data_wrapper", "w", schema=""),
        {},
    ),
    (
        """CREATE FOREIGN DATA WRAPPER w;
           CREATE SERVER s TYPE 'x' VERSION '1' FOREIGN DATA WRAPPER w OPTIONS ("A b" 'it''s')""",
        at("server", "s", schema=""),
        {
            "create": "CREATE SERVER s TYPE 'x' VERSION '1' FOREIGN DATA WRAPPER w"
            " OPTIONS (\"A b\" 'it''s')"
        },
    ),
    (
        """CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'begin end';
           CREATE EVENT TRIGGER e ON sql_drop WHEN TAG IN ('DROP TABLE', 'DROP INDEX')
           EXECUTE FUNCTION f(); ALTER EVENT TRIGGER e ENABLE REPLICA""",
        at("event_trigger", "e", schema=""),
        {
            "create": "CREATE EVENT TRIGGER e ON sql_drop WHEN TAG IN ('DROP TABLE', 'DROP INDEX')"
            " EXECUTE FUNCTION public.f();\nALTER EVENT TRIGGER e ENABLE REPLICA"
        },
    ),
    (
        (
            f"{TABLE} CREATE PUBLICATION o FOR TABLE t (a, b) WHERE (a > 1) WITH"
            " (publish = 'insert',"
            " publish_via_partition_root = true, publish_generated_columns = stored)"
        ),
        at("publication", "o", schema=""),
        {
            "create": "CREATE PUBLICATION o FOR TABLE ONLY public.t (a, b) WHERE ((a > 1)) WITH"
            " (publish = 'insert', publish_via_partition_root = true,"
            " publish_generated_columns = stored)"
        },
    ),
    (
        f"{TABLE} CREATE SCHEMA a; CREATE PUBLICATION o FOR TABLES IN SCHEMA a, TABLE t",
        at("publication", "o", schema=""),
        {},
    ),
    ("CREATE PUBLICATION o FOR ALL TABLES", at("publication", "o", schema=""), {}),
    ("CREATE PUBLICATION o", at("publication", "o", schema=""), {}),
    (
        "CREATE DEFAULT CONVERSION o FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
        at("conversion", "o"),
        {},
    ),
]


@pytest.fixture(scope="module")
def shared(server: Server, admin: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """A connection to one empty database, in which every test undoes what it did."""
    name = f"catalog_{uuid.uuid4().hex[:12]}"
    admin.execute(f"CREATE DATABASE {name} TEMPLATE template1")
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        yield connection
    admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def after(connection: psycopg.Connection, statements: str) -> Catalog:
    """Return the catalog as it is after statements, which are undone."""
    with connection.transaction(force_rollback=True):
        connection.execute(statements)
        return read(connection)


@pytest.mark.parametrize("statements", dict.fromkeys(case[0] for case in CASES))
def test_a_near_server_is_asked_for_every_kind_that_it_has(
    shared: psycopg.Connection, statements: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shared.transaction(force_rollback=True):
        shared.execute(statements)
        near = read(shared)
        monkeypatch.setattr(pipeline, "_near", lambda _: False)
        assert near == read(shared)
        assert dict(near.depends) == dict(read(shared).depends)


@pytest.mark.parametrize(("statements", "address", "facts"), CASES)
def test_every_kind_of_object_is_read_with_its_options(
    shared: psycopg.Connection, statements: str, address: Address, facts: dict[str, Any]
) -> None:
    catalog = after(shared, statements)
    found = catalog.objects[address]
    assert found.address == address
    assert {name: getattr(found, name) for name in facts} == facts
    assert store.loads(store.dumps(catalog)) == catalog


CREATED_AGAIN = [
    case for case in CASES if "create" in case[2] or case[0].lstrip().startswith("CREATE AGG")
]
CREATED_AGAIN += [case for case in CASES if not case[2] and case[0]]


@pytest.mark.parametrize(("statements", "address"), [case[:2] for case in CREATED_AGAIN])
def test_what_is_known_by_its_statement_is_made_again_by_it(
    shared: psycopg.Connection, statements: str, address: Address
) -> None:
    with shared.transaction(force_rollback=True):
        shared.execute(statements)
        before = read(shared)
        found = before.objects[address]
        if isinstance(found, Definition):
            drop, create = found.drop, found.create
        else:
            assert isinstance(found, Function)
            drop, create = f"DROP ROUTINE public.{found.identity}", found.definition
        shared.execute(drop)
        between = read(shared)
        assert address not in between.objects
        shared.execute(create)
        again = read(shared).objects[address]
        assert replace(again, comment=found.comment) == found


EDGES: list[tuple[str, Address, Address]] = [
    (TABLE, at("table", "t"), at("schema", "public", schema="")),
    (
        f"{TABLE} CREATE VIEW v AS SELECT a FROM t",
        at("view", "v"),
        at("column", "t", "a"),
    ),
    (f"{TABLE} CREATE VIEW v AS SELECT a FROM t", at("view", "v"), at("table", "t")),
    (
        f"{TABLE} CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT * FROM v",
        at("view", "w"),
        at("view", "v"),
    ),
    (
        f"{TABLE} CREATE VIEW v AS SELECT x FROM t x",
        at("view", "v"),
        at("table", "t"),
    ),
    (
        "CREATE TYPE e AS ENUM (); CREATE TABLE t (a e[])",
        at("column", "t", "a"),
        at("enum", "e"),
    ),
    (
        "CREATE TYPE r AS RANGE (subtype = int4); CREATE TABLE t (a r_multirange)",
        at("column", "t", "a"),
        at("range", "r"),
    ),
    (
        "CREATE TYPE c AS (a integer); CREATE DOMAIN d AS c; CREATE TYPE x AS (y d[])",
        at("composite", "x"),
        at("domain", "d"),
    ),
    (
        f"{TABLE} CREATE FUNCTION f(t) RETURNS integer LANGUAGE sql AS 'select 1'",
        at("function", "f(public.t)"),
        at("table", "t"),
    ),
    (
        "CREATE SEQUENCE s; CREATE TABLE t (a integer DEFAULT nextval('s'))",
        at("default", "t", "a"),
        at("sequence", "s"),
    ),
    (
        (
            "CREATE FUNCTION f(integer) RETURNS integer IMMUTABLE RETURN $1;"
            "CREATE TABLE t (a integer, b integer GENERATED ALWAYS AS (f(a)) STORED)"
        ),
        at("default", "t", "b"),
        at("function", "f(integer)"),
    ),
    ("CREATE TABLE t (a serial)", at("sequence", "t_a_seq"), at("column", "t", "a")),
    (
        (
            "CREATE FUNCTION f(integer) RETURNS boolean IMMUTABLE RETURN $1 > 1;"
            "CREATE TABLE t (a integer CONSTRAINT k CHECK (f(a)))"
        ),
        at("constraint", "t", "k"),
        at("function", "f(integer)"),
    ),
    (
        f"{TWO} ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a, b) REFERENCES r (x, y)",
        at("constraint", "t", "k"),
        at("constraint", "r", "r_x_y_key"),
    ),
    (
        (
            f"{TABLE} CREATE FUNCTION f(integer) RETURNS integer IMMUTABLE RETURN $1;"
            "CREATE INDEX i ON t (f(a))"
        ),
        at("index", "i"),
        at("function", "f(integer)"),
    ),
    (f"{TABLE} {TRIGGER}", at("trigger", "t", "g"), at("function", "f()")),
    (
        f"{TABLE} CREATE TABLE o (x integer);CREATE POLICY y ON t USING (EXISTS (SELECT x FROM o))",
        at("policy", "t", "y"),
        at("table", "o"),
    ),
    (
        f"{TABLE} CREATE TABLE o (x integer); CREATE RULE y AS ON DELETE TO t DO DELETE FROM o",
        at("rule", "t", "y"),
        at("table", "o"),
    ),
    (PARTITIONED, at("table", "p1"), at("table", "p")),
    (
        "CREATE TABLE x (a integer); CREATE TABLE t () INHERITS (x)",
        at("table", "t"),
        at("table", "x"),
    ),
    (
        "CREATE EXTENSION citext; CREATE TABLE t (a citext[])",
        at("column", "t", "a"),
        at("extension", "citext", schema=""),
    ),
    (
        (
            "CREATE EXTENSION citext; CREATE TABLE t (a text); CREATE VIEW v AS SELECT a::citext"
            " FROM t"
        ),
        at("view", "v"),
        at("extension", "citext", schema=""),
    ),
    (
        f"{TABLE} CREATE PUBLICATION o FOR TABLE t",
        at("publication", "o", schema=""),
        at("table", "t"),
    ),
    (
        """CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
           CREATE FOREIGN TABLE t (a integer) SERVER s""",
        at("table", "t"),
        at("server", "s", schema=""),
    ),
    (
        (
            "CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple);"
            "CREATE TEXT SEARCH CONFIGURATION o (COPY = english);"
            "ALTER TEXT SEARCH CONFIGURATION o ALTER MAPPING FOR asciiword WITH d"
        ),
        at("text_search_configuration", "o"),
        at("text_search_dictionary", "d"),
    ),
]


@pytest.mark.parametrize(("statements", "source", "target"), EDGES)
def test_what_depends_on_what(
    shared: psycopg.Connection, statements: str, source: Address, target: Address
) -> None:
    catalog = after(shared, statements)
    assert target in catalog.depends[source]


def test_dependencies_lead_to_objects_and_never_from_a_table_to_its_column(
    shared: psycopg.Connection,
) -> None:
    catalog = after(shared, f"{EVERYTHING} {PARTITIONED}")
    for source, targets in catalog.depends.items():
        assert source in catalog.objects or source.kind == "default"
        assert targets <= catalog.objects.keys()
        assert source not in targets
        if source.kind == "table":
            assert not any(t.kind == "column" and t.name == source.name for t in targets)


EVERYTHING = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE t (a bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b serial, m mood DEFAULT 'ok',
    CHECK (b > 0));
CREATE INDEX i ON t (b) WHERE m = 'ok';
CREATE VIEW v AS SELECT m FROM t;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
"""
HIDDEN = [
    "CREATE EXTENSION citext",
    "CREATE EXTENSION hstore SCHEMA public",
    (
        "CREATE SCHEMA neon_auth; CREATE TABLE neon_auth.users (id serial PRIMARY KEY);"
        "CREATE TYPE neon_auth.e AS ENUM ('a'); CREATE FUNCTION neon_auth.f()"
        " RETURNS integer RETURN 1"
    ),
    "CREATE SCHEMA limbeck_state; CREATE TABLE limbeck_state.ledger (id serial PRIMARY KEY)",
    "CREATE TEMPORARY TABLE mine (id serial PRIMARY KEY)",
    (
        "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT k PRIMARY KEY);"
        "CREATE INDEX ON alembic_version (version_num); COMMENT ON TABLE alembic_version IS 'x'"
    ),
]


@pytest.mark.parametrize("statements", HIDDEN)
def test_members_of_extensions_and_the_tools_own_tables_are_no_objects(
    shared: psycopg.Connection, statements: str
) -> None:
    before = read(shared)
    catalog = after(shared, statements)
    new = catalog.objects.keys() - before.objects.keys()
    assert {address.kind for address in new} <= {"extension"}
    assert {address.kind for address in catalog.depends.keys() - before.depends.keys()} <= {
        "extension"
    }


def test_the_version_table_goes_by_the_name_it_is_given(shared: psycopg.Connection) -> None:
    with shared.transaction(force_rollback=True):
        shared.execute("CREATE TABLE revisions (id integer PRIMARY KEY)")
        catalog = read(shared, filters=Filters(version_table="revisions"))
    assert not any("revisions" in address for address in catalog.objects)


FILTERS: list[tuple[Filters, set[str]]] = [
    (Filters(schemas=("a*",)), {"a.t", "a.u", "ab.t"}),
    (Filters(ignore_schemas=("a*",)), {"public.t"}),
    (Filters(tables=("t",)), {"a.t", "ab.t", "public.t"}),
    (Filters(tables=("a.*",)), {"a.t", "a.u"}),
    (Filters(ignore=("t",)), {"a.u"}),
    (Filters(schemas=("a",), ignore=("a.t",)), {"a.u"}),
]


@pytest.mark.parametrize(("filters", "tables"), FILTERS)
def test_filters_leave_out_a_table_with_all_that_belongs_to_it(
    shared: psycopg.Connection, filters: Filters, tables: set[str]
) -> None:
    with shared.transaction(force_rollback=True):
        shared.execute(
            "CREATE SCHEMA a; CREATE SCHEMA ab; CREATE TABLE a.t (id serial PRIMARY KEY);"
            "CREATE TABLE a.u (id serial PRIMARY KEY); CREATE TABLE ab.t (id serial PRIMARY KEY);"
            "CREATE TABLE t (id serial PRIMARY KEY); CREATE INDEX ON a.t (id)"
        )
        catalog = read(shared, filters=filters)
    for kind in (Table, Column, Constraint):
        owners = {f"{x.schema}.{getattr(x, 'table', x.name)}" for x in catalog.of(kind)}
        assert owners == tables
    sequences = {f"{a.schema}.{a.name}" for a in catalog.objects if a.kind == "sequence"}
    assert sequences == {f"{table}_id_seq" for table in tables}
    assert ("a.t" in tables) == bool(list(catalog.of(Index)))


INDEXED = """
CREATE DOMAIN code AS text; CREATE TYPE mood AS ENUM ('a');
CREATE TABLE "a T" (i integer, v varchar(9), t text, c text COLLATE "C", d code, n name, o oid,
  x inet, y cidr, b bit(3), vb varbit(3), m mood, l integer[], "select" integer, "ä" date,
  "Q""q" uuid, ov oidvector, r int4range);
CREATE MATERIALIZED VIEW "V w" AS SELECT i, v FROM "a T";
CREATE TABLE p (i integer, t text) PARTITION BY LIST (i);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE INDEX ON p (i, t); CREATE UNIQUE INDEX "a b" ON "V w" (i, v);
CREATE UNIQUE INDEX ON "a T" (i) NULLS NOT DISTINCT; CREATE INDEX ON "a T" USING hash (i);
"""
KEYS = """
i; v; t; c; d; n; o; x; y; b; vb; m; l; "select"; "ä"; "Q""q"; ov; r; i, v, c; i, i; i DESC;
t COLLATE "C"; c COLLATE "default"; c COLLATE "C"; t COLLATE pg_catalog.ucs_basic; v NULLS FIRST;
i oid_ops; b varbit_ops; t text_pattern_ops; y inet_ops; v varchar_ops; ov array_ops; lower(t);
(i + 1), t; i) INCLUDE (t; i) WHERE (i > 0; i) WITH (fillfactor=70
"""
# With it there is a type that is taken for text and has operators of its own.
CITEXT = """
CREATE EXTENSION citext; ALTER TABLE "a T" ADD ci citext;
CREATE INDEX ON "a T" (ci); CREATE INDEX ON "a T" (ci text_ops);
"""


@pytest.mark.parametrize("more", ["", CITEXT], ids=["", "citext"])
def test_an_index_of_columns_alone_is_spelled_as_postgres_spells_it(
    shared: psycopg.Connection, more: str
) -> None:
    keys = KEYS.split(";")
    with shared.transaction(force_rollback=True):
        shared.execute((INDEXED + more).encode())
        for on in keys:
            shared.execute(f'CREATE INDEX ON "a T" ({on})'.encode())
        shared.execute("SET LOCAL search_path = ''")
        rows = shared.execute(
            "SELECT relname, pg_get_indexdef(oid) FROM pg_class WHERE relkind IN ('i', 'I')"
            " AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        found = {index.name: index.definition for index in read(shared).of(Index)}
    assert found == dict(rows)
    assert len(found) > len(keys)


def test_foreign_keys_to_partitions_are_read_once(shared: psycopg.Connection) -> None:
    catalog = after(
        shared,
        """CREATE TABLE p (a integer PRIMARY KEY) PARTITION BY LIST (a);
           CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p DEFAULT;
           CREATE TABLE t (a integer REFERENCES p)""",
    )
    keys = {(x.table, x.name) for x in catalog.of(Constraint) if x.type == "f"}
    assert keys == {("t", "t_a_fkey")}


def test_two_readings_are_equal(shared: psycopg.Connection) -> None:
    with shared.transaction(force_rollback=True):
        shared.execute(EVERYTHING)
        first, second = read(shared), read(shared)
    assert first == second
    assert first.changes_to(second) == ()
    assert first.fingerprint() == second.fingerprint()


def test_the_search_path_and_the_date_style_are_no_difference(shared: psycopg.Connection) -> None:
    with shared.transaction(force_rollback=True):
        shared.execute(EVERYTHING)
        shared.execute(
            "CREATE TABLE d (a timestamptz DEFAULT '2020-01-02', b interval DEFAULT '1d')"
        )
        plain = read(shared)
        shared.execute(
            "SET LOCAL search_path = public; SET LOCAL datestyle = 'SQL, DMY';"
            "SET LOCAL timezone = 'Asia/Tokyo'; SET LOCAL intervalstyle = 'sql_standard';"
            "SET LOCAL quote_all_identifiers = on"
        )
        assert read(shared) == plain


def settings(connection: psycopg.Connection) -> object:
    """Return what a reading changes for itself."""
    names = "search_path", "jit", "datestyle", "statement_timeout", "transaction_isolation"
    return [connection.execute(f"SHOW {name}").fetchone() for name in names]


def test_an_autocommit_session_is_left_as_it_was(connection: psycopg.Connection) -> None:
    connection.execute("SET search_path = somewhere")
    before = settings(connection)
    read(connection, statement_timeout=30)
    assert connection.info.transaction_status == TransactionStatus.IDLE
    assert settings(connection) == before


def test_a_session_without_autocommit_is_left_as_it_was(database: Database) -> None:
    with psycopg.connect(database.url) as connection:
        read(connection)
        assert connection.info.transaction_status == TransactionStatus.IDLE


def test_a_transaction_goes_on_and_its_changes_are_seen(connection: psycopg.Connection) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path = somewhere; CREATE TABLE public.t (a integer)")
        before = settings(connection)
        assert at("table", "t") in read(connection).objects
        assert connection.info.transaction_status == TransactionStatus.INTRANS
        assert settings(connection) == before
        connection.execute("INSERT INTO public.t VALUES (1)")
    assert at("table", "t") not in read(connection).objects


def test_a_timeout_holds_for_the_questions(connection: psycopg.Connection) -> None:
    connection.execute(
        "DO $$ BEGIN FOR n IN 1..300 LOOP EXECUTE format('CREATE TABLE t%s (a serial PRIMARY KEY,"
        " b text UNIQUE)', n); END LOOP; END $$"
    )
    with pytest.raises(psycopg.errors.QueryCanceled):
        read(connection, statement_timeout=0.001)
    assert connection.info.transaction_status == TransactionStatus.IDLE
    assert len(list(read(connection).of(Table))) == 300


@pytest.mark.parametrize("inside", [False, True], ids=["idle", "in a transaction"])
def test_who_breaks_off_a_read_leaves_the_connection_as_it_was(
    database: Database, *, inside: bool
) -> None:
    with psycopg.connect(database.url) as connection:
        if inside:
            connection.execute("CREATE TABLE t (a int)")
        before = connection.info.transaction_status
        seen: list[object] = []
        with suppress(LookupError), asked(connection, QUESTIONS, None) as answers:
            seen += answers["tables"]
            raise LookupError
        assert bool(seen) == inside
        assert connection.info.transaction_status == before
        assert connection.execute("SHOW search_path").fetchone() != ("",)
        assert bool(list(read(connection).of(Table))) == inside


SLEEPING = {"tables": QUESTIONS["tables"], "long": "SELECT pg_sleep(60)", "never": "SELECT 1"}


def test_a_server_that_goes_away_in_the_middle_is_told_as_psycopg_tells_it(
    connection: psycopg.Connection, admin: psycopg.Connection
) -> None:
    def ask() -> None:
        with asked(connection, SLEEPING, None) as answers:
            assert answers["tables"] == []
            admin.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
            answers["never"]

    with pytest.raises(psycopg.errors.AdminShutdown):
        ask()
    assert connection.closed


def test_the_server_works_meanwhile(connection: psycopg.Connection) -> None:
    seen: list[TransactionStatus] = []
    read(connection, meanwhile=lambda: seen.append(connection.info.transaction_status))
    assert seen == [TransactionStatus.ACTIVE]


def test_answers_that_nobody_looks_at_are_read_all_the_same(shared: psycopg.Connection) -> None:
    with asked(shared, QUESTIONS, None) as answers:
        assert answers["enums"] == []
        assert "dependencies" not in answers
    assert list(answers) == list(QUESTIONS)
    with pytest.raises(KeyError):
        answers["nothing"]


def test_what_the_role_may_not_read_is_named(
    connection: psycopg.Connection, admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A near server is not asked for policies, because pg_depend tells that there are none.
    monkeypatch.setattr(pipeline, "_near", lambda _: False)
    role = f"limited_{uuid.uuid4().hex[:12]}"
    admin.execute(f"CREATE ROLE {role}")
    try:
        connection.execute(f"{EVERYTHING} REVOKE SELECT ON pg_catalog.pg_policy FROM PUBLIC")
        whole = read(connection)
        connection.execute(f"SET ROLE {role}")
        catalog = read(connection)
        assert catalog.unreadable == ("policies",)
        assert catalog.objects == whole.objects
        assert whole.unreadable == ()
        connection.execute("RESET ROLE")
    finally:
        admin.execute(f"DROP ROLE {role}")


def test_a_stored_catalog_of_another_version_is_refused(shared: psycopg.Connection) -> None:
    text = store.dumps(after(shared, EVERYTHING))
    for broken in (
        text.replace(b'"format":', b'"format":-'),
        text.replace(b'"position"', b'"place"'),
        text[:-20],
        b"[]",
        b"",
    ):
        with pytest.raises(ValueError, match=r"."):
            store.loads(broken)
