"""Pulled models: what goes in comes out again, as source that a person could have written."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from limbeck import pull
from limbeck.errors import ConfigurationError, ModelsError
from limbeck.models.pull.render import packaged
from limbeck.postgres.connect import as_sqlalchemy, connect
from limbeck.schema.catalog.read import read
from limbeck.shadow.creation import created
from limbeck.sources import Live

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from limbeck.schema.catalog.catalog import Catalog

MakeDatabase: TypeAlias = "Callable[..., Database]"

LIBRARY = """
CREATE TABLE authors (
    id serial PRIMARY KEY, name text NOT NULL, bio text,
    created_at timestamp DEFAULT now() NOT NULL);
CREATE TABLE books (
    id serial PRIMARY KEY, title text NOT NULL, author_id integer NOT NULL REFERENCES authors (id),
    published_year integer, created_at timestamp DEFAULT now() NOT NULL);
"""

HEIRS = """
    CREATE SCHEMA x; CREATE TYPE mood AS ENUM ('sad', 'odd');
    CREATE TABLE x.base (id serial PRIMARY KEY, a text NOT NULL DEFAULT 'x', mood mood,
        u integer UNIQUE, g integer GENERATED ALWAYS AS (1) STORED, CONSTRAINT c CHECK (a <> ''));
    COMMENT ON COLUMN x.base.a IS 'of the parent';
    CREATE TABLE alone () INHERITS (x.base);
    CREATE TABLE a_keyed (own text, PRIMARY KEY (id), base_id integer REFERENCES x.base)
        INHERITS (x.base);
    COMMENT ON COLUMN a_keyed.a IS 'of the child'; CREATE INDEX ON a_keyed (mood);
    CREATE TABLE grand (more date NOT NULL) INHERITS (a_keyed);
    CREATE TABLE other (id integer NOT NULL, o text);
    CREATE TABLE of_both () INHERITS (x.base, other);
    CREATE TABLE identified (n integer GENERATED ALWAYS AS IDENTITY, m integer);
    CREATE TABLE plain_heir (z integer) INHERITS (identified);
    CREATE TABLE local (m integer) INHERITS (identified);
    CREATE TABLE stricter () INHERITS (identified); ALTER TABLE stricter ALTER m SET NOT NULL;
    CREATE TABLE defaulted () INHERITS (identified); ALTER TABLE defaulted ALTER m SET DEFAULT 3;
    CREATE TABLE of_raw (q integer) INHERITS (defaulted);
    CREATE TABLE adopted (n integer NOT NULL, m integer); ALTER TABLE adopted INHERIT identified;
    CREATE TABLE checked (n integer CHECK (n > 0) NO INHERIT, o integer, CHECK (o > 0) NOT VALID);
    CREATE TABLE unchecked (p integer) INHERITS (checked)"""

CASES = {
    "authors and books": LIBRARY,
    "an integer key without a default stays one": "CREATE TABLE t (id integer PRIMARY KEY)",
    "serials of every width": """
        CREATE TABLE a (id smallserial PRIMARY KEY); CREATE TABLE b (id bigserial PRIMARY KEY);
        CREATE TABLE c (id integer PRIMARY KEY, n serial, m bigserial)""",
    "a serial in a key of two columns": """
        CREATE TABLE t (a integer NOT NULL, b serial, PRIMARY KEY (a, b))""",
    "a sequence with options, and one that is owned": """
        CREATE SEQUENCE s AS smallint INCREMENT 5 MINVALUE 10 MAXVALUE 1000 CYCLE CACHE 3;
        CREATE TABLE t (id bigint DEFAULT nextval('s') PRIMARY KEY, n integer);
        CREATE SEQUENCE odd; ALTER SEQUENCE odd OWNED BY t.n""",
    "serials outside of the key": """
        CREATE TABLE a (id serial PRIMARY KEY, n serial, b bigserial UNIQUE, s smallserial);
        CREATE TABLE "A b" ("N c" serial, t text); ALTER SEQUENCE a_n_seq INCREMENT 5;
        CREATE UNLOGGED TABLE u (n serial); CREATE TABLE p (n serial) PARTITION BY LIST (n);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); COMMENT ON SEQUENCE a_b_seq IS 'x';
        CREATE VIEW v AS SELECT nextval('u_n_seq') AS next""",
    "serials whose sequence is not the usual one": """
        CREATE TABLE a (id serial PRIMARY KEY); ALTER SEQUENCE a_id_seq AS bigint MAXVALUE 99999;
        CREATE TABLE b (id serial PRIMARY KEY); ALTER SEQUENCE b_id_seq RENAME TO old_id_seq;
        COMMENT ON SEQUENCE a_id_seq IS 'counts'; CREATE SEQUENCE free;
        CREATE TABLE c (id integer DEFAULT nextval('old_id_seq') PRIMARY KEY, m serial, n bigserial,
            o smallserial, p bigint DEFAULT nextval('free'))""",
    "self references by a key of several columns": """
        CREATE TABLE t (tenant integer, id integer, parent integer, second integer,
            CONSTRAINT named PRIMARY KEY (tenant, id),
            FOREIGN KEY (tenant, parent) REFERENCES t,
            FOREIGN KEY (tenant, second) REFERENCES t)""",
    "a foreign key that is not valid yet": """
        CREATE TABLE p (id integer PRIMARY KEY); CREATE TABLE t (id integer PRIMARY KEY,
            p_id integer, q_id integer REFERENCES p);
        ALTER TABLE t ADD FOREIGN KEY (p_id) REFERENCES p ON DELETE CASCADE NOT VALID""",
    "identities": """
        CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY (START 100) PRIMARY KEY,
            n integer GENERATED BY DEFAULT AS IDENTITY)""",
    "generated columns": """
        CREATE TABLE t (id integer PRIMARY KEY, a integer,
            b integer GENERATED ALWAYS AS (a * 2) STORED, c integer GENERATED ALWAYS AS (-a))""",
    "column order: NOT NULL columns do not come first": """
        CREATE TABLE t (z integer, y text NOT NULL, x date, id integer PRIMARY KEY,
            a text NOT NULL)""",
    "a key in another order than the columns": """
        CREATE TABLE t (a integer, b integer, PRIMARY KEY (b, a))""",
    "the same key twice": """
        CREATE TABLE t (id integer PRIMARY KEY, UNIQUE (id)); CREATE UNIQUE INDEX ON t (id);
        ALTER TABLE t ADD CONSTRAINT again UNIQUE (id)""",
    "no primary key": "CREATE TABLE t (a integer NOT NULL, b text UNIQUE)",
    "no columns": "CREATE TABLE t ()",
    "names of constraints": """
        CREATE TABLE p (id integer CONSTRAINT the_key PRIMARY KEY, u text CONSTRAINT once UNIQUE);
        CREATE TABLE t (id integer PRIMARY KEY, p_id integer CONSTRAINT belongs REFERENCES p,
            n integer CONSTRAINT positive CHECK (n > 0), m integer CHECK (m > n),
            q text CONSTRAINT said NOT NULL)""",
    "the names that Alembic users have": """
        CREATE TABLE p (id integer CONSTRAINT pk_p PRIMARY KEY);
        CREATE TABLE t (id integer CONSTRAINT pk_t PRIMARY KEY,
            p_id integer CONSTRAINT fk_t_p_id_p REFERENCES p,
            code text CONSTRAINT uq_t_code UNIQUE,
            n integer CONSTRAINT ck_t_positive CHECK (n > 0));
        CREATE INDEX ix_t_p_id ON t (p_id)""",
    "deferrable, NOT VALID, NO INHERIT, MATCH FULL, exclusion": """
        CREATE TABLE p (a integer, b integer, PRIMARY KEY (a, b));
        CREATE TABLE t (id integer PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, a integer, b integer,
            u integer UNIQUE DEFERRABLE, during int4range,
            FOREIGN KEY (a, b) REFERENCES p MATCH FULL ON DELETE CASCADE ON UPDATE SET NULL
                DEFERRABLE INITIALLY DEFERRED,
            EXCLUDE USING gist (during WITH &&) WHERE (a > 0),
            CHECK (a > 0) NO INHERIT);
        ALTER TABLE t ADD CONSTRAINT later CHECK (b > 0) NOT VALID""",
    "indexes": """
        CREATE TABLE t (id integer PRIMARY KEY, a text, b text COLLATE "C", c timestamptz, d jsonb);
        CREATE INDEX ON t (a); CREATE INDEX ON t (a, b); CREATE INDEX ON t (a DESC NULLS LAST, b);
        CREATE INDEX lower_a ON t (lower(a)); CREATE UNIQUE INDEX ON t (b) WHERE a IS NOT NULL;
        CREATE INDEX ops ON t (a text_pattern_ops); CREATE INDEX ON t USING gin (d jsonb_path_ops);
        CREATE UNIQUE INDEX nn ON t (a) INCLUDE (b) NULLS NOT DISTINCT WITH (fillfactor = 70);
        COMMENT ON INDEX lower_a IS 'without case'""",
    "SQL with colons, percents, quotes, backslashes": r"""
        CREATE TABLE t (id integer PRIMARY KEY, a text DEFAULT 'a:b :c %d %% ''q'' "x" \n',
            b text DEFAULT E'\\t\n', CHECK (a <> ':x %s'), CHECK (b ~ '^\d+:\w$'));
        CREATE INDEX ON t ((a || ':b %')) WHERE a LIKE '%:c'""",
    "types": """
        CREATE EXTENSION IF NOT EXISTS citext; CREATE EXTENSION IF NOT EXISTS ltree;
        CREATE EXTENSION IF NOT EXISTS hstore;
        CREATE TABLE t (id uuid DEFAULT gen_random_uuid() PRIMARY KEY, a varchar(20), b char(3),
            c numeric(10,2), d numeric, e real, f double precision, g timestamptz(3), h time,
            i timetz, j interval, k interval day to second(3), l bytea, m json, n jsonb, o inet,
            p cidr, q macaddr, r bit(3), s varbit(5), t xml, u point, v polygon, w tsvector,
            x int4range, y tstzmultirange, z text[], aa integer[], ab citext, ac ltree, ad hstore,
            ae money, af name, ag "char", ah oid, ai pg_lsn, aj regclass, ak bpchar,
            al varchar[])""",
    "enums, domains, composites, ranges": """
        CREATE TYPE mood AS ENUM ('sad', 'so-so', 'happy'); CREATE TYPE odd AS ENUM ('1', '', 'é');
        CREATE TYPE unused AS ENUM ('a'); COMMENT ON TYPE unused IS 'of no use';
        CREATE DOMAIN positive AS integer NOT NULL DEFAULT 1 CONSTRAINT above CHECK (VALUE > 0);
        CREATE TYPE pair AS (a integer, b text); CREATE TYPE span AS RANGE (subtype = float8);
        CREATE TABLE t (id integer PRIMARY KEY, m mood DEFAULT 'sad' NOT NULL, ms mood[], o odd,
            p positive, q pair, s span)""",
    "functions before and after tables, triggers, policies, rules, statistics": """
        CREATE FUNCTION slug(t text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT lower(t) $$;
        CREATE TABLE t (id integer PRIMARY KEY, title text NOT NULL DEFAULT slug('X'),
            s text GENERATED ALWAYS AS (slug(title)) STORED);
        CREATE INDEX ON t (slug(title));
        CREATE FUNCTION titles() RETURNS SETOF t LANGUAGE sql AS $$ SELECT * FROM t $$;
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
        CREATE TRIGGER touched BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
        CREATE TRIGGER off BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
        ALTER TABLE t DISABLE TRIGGER off;
        ALTER TABLE t ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON t FOR SELECT USING (id > 0);
        CREATE RULE silent AS ON DELETE TO t DO INSTEAD NOTHING;
        CREATE STATISTICS together ON id, title FROM t""",
    "views on views, and what hangs on them": """
        CREATE TABLE t (id integer PRIMARY KEY, a text);
        CREATE VIEW zero WITH (security_barrier) AS SELECT id, a FROM t WHERE a LIKE '%:x';
        CREATE VIEW another AS SELECT id FROM zero;
        CREATE MATERIALIZED VIEW kept AS SELECT id FROM another WITH NO DATA;
        CREATE UNIQUE INDEX ON kept (id); COMMENT ON VIEW zero IS 'it''s one';
        COMMENT ON COLUMN zero.a IS 'its a'""",
    "another schema, and the same table name twice": """
        CREATE SCHEMA shop; CREATE SCHEMA empty; CREATE TYPE shop.state AS ENUM ('new', 'paid');
        CREATE TABLE users (id serial PRIMARY KEY);
        CREATE TABLE shop.users (id serial PRIMARY KEY, user_id integer REFERENCES users,
            state shop.state NOT NULL)""",
    "circular foreign keys": """
        CREATE TABLE a (id integer PRIMARY KEY, b_id integer);
        CREATE TABLE b (id integer PRIMARY KEY, a_id integer REFERENCES a);
        ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b""",
    "several foreign keys to one table, self references, one to one": """
        CREATE TABLE users (id serial PRIMARY KEY, manager_id integer REFERENCES users,
            parent_id integer REFERENCES users);
        CREATE TABLE letters (id serial PRIMARY KEY, sender_id integer NOT NULL REFERENCES users,
            recipient_id integer REFERENCES users, created_by integer REFERENCES users);
        CREATE TABLE profiles (user_id integer PRIMARY KEY REFERENCES users, users text)""",
    "many to many": """
        CREATE TABLE films (id serial PRIMARY KEY); CREATE TABLE actors (id serial PRIMARY KEY);
        CREATE TABLE film_actor (film_id integer REFERENCES films,
            actor_id integer REFERENCES actors, PRIMARY KEY (film_id, actor_id));
        CREATE TABLE bare (film_id integer REFERENCES films, actor_id integer REFERENCES actors)""",
    "foreign keys that share a column": """
        CREATE TABLE tenants (id integer PRIMARY KEY);
        CREATE TABLE a (t integer REFERENCES tenants, id integer, PRIMARY KEY (t, id));
        CREATE TABLE b (t integer REFERENCES tenants, id integer, a integer, PRIMARY KEY (t, id),
            FOREIGN KEY (t, a) REFERENCES a)""",
    "names that mean something in Python": """
        CREATE TABLE metadata (id integer PRIMARY KEY, metadata text, registry text, uuid uuid,
            datetime timestamp, date date, text text, "class" text, "a b" text, "1st" text,
            int integer, str text, list integer[], dt date, sa text, "Any" jsonb, __x text,
            "Mapped" text, relationship text, "UUID" uuid);
        CREATE TABLE "Base" (id integer PRIMARY KEY);
        CREATE TABLE "order" ("from" integer PRIMARY KEY);
        CREATE TABLE type (id integer PRIMARY KEY, type text); CREATE TABLE "A B" (x integer)""",
    "relationships that would be called like something else": """
        CREATE TABLE metadata (id serial PRIMARY KEY);
        CREATE TABLE registry (id serial PRIMARY KEY);
        CREATE TABLE class (id serial PRIMARY KEY); CREATE TABLE uuid (id serial PRIMARY KEY);
        CREATE TABLE datetime (id serial PRIMARY KEY, author text);
        CREATE TABLE uses (id serial PRIMARY KEY, metadata_id integer REFERENCES metadata,
            registry_id integer REFERENCES registry, class_id integer REFERENCES class,
            uuid_id integer REFERENCES uuid, uuid uuid, datetime_id integer REFERENCES datetime,
            text_id integer REFERENCES uses, "Any_id" integer REFERENCES uses,
            use_id integer REFERENCES uses, uses text)""",
    "two association tables between the same, one to itself": """
        CREATE TABLE people (id serial PRIMARY KEY); CREATE TABLE clubs (id serial PRIMARY KEY);
        CREATE TABLE member (person_id integer REFERENCES people, club_id integer REFERENCES clubs,
            PRIMARY KEY (person_id, club_id));
        CREATE TABLE guest (person_id integer REFERENCES people, club_id integer REFERENCES clubs,
            PRIMARY KEY (person_id, club_id));
        CREATE TABLE friends (a_id integer REFERENCES people, b_id integer REFERENCES people,
            PRIMARY KEY (a_id, b_id))""",
    "keys of several columns to one table, one of them unique": """
        CREATE TABLE seats (hall integer, number integer, PRIMARY KEY (hall, number));
        CREATE TABLE tickets (id serial PRIMARY KEY, hall integer NOT NULL,
            number integer NOT NULL, other_hall integer, other_number integer,
            FOREIGN KEY (hall, number) REFERENCES seats,
            FOREIGN KEY (other_hall, other_number) REFERENCES seats, UNIQUE (hall, number))""",
    "table options": """
        CREATE UNLOGGED TABLE u (id serial PRIMARY KEY);
        CREATE TABLE t (id integer PRIMARY KEY, a text STORAGE EXTERNAL, b integer)
            WITH (fillfactor = 70, autovacuum_enabled = false);
        ALTER TABLE t ALTER b SET STATISTICS 500; ALTER TABLE t REPLICA IDENTITY FULL;
        ALTER TABLE t CLUSTER ON t_pkey""",
    "comments": """
        CREATE TABLE t (id integer PRIMARY KEY, a integer CHECK (a > 0));
        COMMENT ON TABLE t IS 'it''s "one" of\ntwo lines \\ and a %';
        COMMENT ON COLUMN t.a IS 'an a: %s';
        COMMENT ON CONSTRAINT t_a_check ON t IS 'checked'; COMMENT ON SCHEMA public IS 'ours'""",
    "a foreign key to the own table that only an index covers": """
        CREATE TABLE t (id integer, p integer); CREATE UNIQUE INDEX ON t (id);
        ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES t (id);
        CREATE TABLE u (id integer PRIMARY KEY, a integer, b integer, x integer, y integer);
        CREATE UNIQUE INDEX ON u (a, b) INCLUDE (id) WITH (fillfactor = 70);
        ALTER TABLE u ADD FOREIGN KEY (x, y) REFERENCES u (a, b) ON DELETE CASCADE DEFERRABLE;
        CREATE TABLE c (id integer PRIMARY KEY, k integer, o integer);
        CREATE TABLE d (id integer PRIMARY KEY, k integer, o integer);
        CREATE UNIQUE INDEX ON c (k); CREATE UNIQUE INDEX ON d (k);
        ALTER TABLE c ADD FOREIGN KEY (o) REFERENCES d (k);
        ALTER TABLE d ADD FOREIGN KEY (o) REFERENCES c (k)""",
    "sequences of other tables' columns": """
        CREATE TABLE zoo (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n integer);
        CREATE TABLE ape (id integer DEFAULT nextval('zoo_id_seq') PRIMARY KEY);
        CREATE TABLE yak (id serial PRIMARY KEY); CREATE TABLE ant (id serial PRIMARY KEY,
            k integer DEFAULT nextval('yak_id_seq'), s text DEFAULT 'x' || nextval('yak_id_seq'));
        ALTER TABLE yak ADD m integer DEFAULT nextval('ant_id_seq');
        CREATE TABLE own (id serial PRIMARY KEY, again integer DEFAULT currval('own_id_seq'));
        CREATE DOMAIN counted AS integer DEFAULT nextval('zoo_id_seq');
        CREATE TABLE bee (id integer PRIMARY KEY, n counted, r regclass DEFAULT 'zoo'::regclass);
        CREATE FUNCTION next() RETURNS bigint LANGUAGE sql BEGIN ATOMIC
            SELECT nextval('yak_id_seq'); END;
        CREATE TABLE cow (id bigint DEFAULT next() PRIMARY KEY, n integer CHECK (n < next()))""",
    "comments and defaults of parts": """
        CREATE TABLE t (id integer PRIMARY KEY, n integer);
        CREATE VIEW v AS SELECT id, n FROM t; COMMENT ON COLUMN v.n IS 'a n';
        ALTER VIEW v ALTER n SET DEFAULT 3; COMMENT ON VIEW v IS 'a view';
        CREATE MATERIALIZED VIEW m AS SELECT id FROM t; COMMENT ON COLUMN m.id IS 'an id';
        CREATE TYPE pair AS (a integer, b text); COMMENT ON COLUMN pair.a IS 'an a';
        CREATE DOMAIN d AS integer CONSTRAINT above CHECK (VALUE > 0);
        COMMENT ON CONSTRAINT above ON DOMAIN d IS 'above'; COMMENT ON DOMAIN d IS 'a domain'""",
    "objects that only their SQL describes": """
        CREATE FUNCTION same(a text, b text) RETURNS boolean LANGUAGE sql IMMUTABLE
            AS 'SELECT a = b'; CREATE OPERATOR === (FUNCTION = same, LEFTARG = text,
            RIGHTARG = text);
        CREATE COLLATION plain (provider = libc, locale = 'C');
        CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = float8mi);
        CREATE TYPE other AS RANGE (subtype = text, collation = "C",
            multirange_type_name = others); COMMENT ON TYPE other IS 'other';
        CREATE TYPE pair AS (a integer); CREATE FUNCTION as_text(pair) RETURNS text
            LANGUAGE sql AS 'SELECT $1.a::text'; CREATE CAST (pair AS text) WITH FUNCTION as_text;
        CREATE TEXT SEARCH CONFIGURATION mine (COPY = simple); CREATE AGGREGATE total (integer)
            (SFUNC = int4pl, STYPE = integer); CREATE PUBLICATION p;
        CREATE TABLE logs (id integer NOT NULL, at date NOT NULL) PARTITION BY LIST (at);
        CREATE TABLE log_1 (at date NOT NULL, id integer NOT NULL);
        ALTER TABLE logs ATTACH PARTITION log_1 FOR VALUES IN ('2020-01-01');
        CREATE TABLE log_2 PARTITION OF logs FOR VALUES IN ('2021-01-01')
            PARTITION BY HASH (id); CREATE TABLE log_3 PARTITION OF log_2
            FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE INDEX ON logs (id)""",
    "indexes of partitioned tables, with names of their own in partitions": """
        CREATE SCHEMA x; CREATE TABLE p (a integer NOT NULL, b text, c integer, d jsonb)
            PARTITION BY LIST (a);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1) PARTITION BY RANGE (c);
        CREATE TABLE x.p1a PARTITION OF p1 FOR VALUES FROM (1) TO (5);
        CREATE TABLE p2 (c integer, b text, a integer NOT NULL, d jsonb);
        CREATE INDEX own_c ON p2 (c); ALTER TABLE p ATTACH PARTITION p2 FOR VALUES IN (2);
        CREATE INDEX ON p (b); CREATE INDEX ON p (b); CREATE INDEX p_c ON p (c);
        CREATE UNIQUE INDEX p_ac ON p (a, c) INCLUDE (b); CREATE INDEX ON p (lower(b));
        CREATE INDEX p_d ON p USING gin (d); COMMENT ON INDEX p_d IS 'x';
        CREATE INDEX p_where ON p (c) WHERE b IS NOT NULL; CREATE INDEX p2_d ON p2 (a, b)""",
    "partitions and inheritance": """
        CREATE TABLE m (at date NOT NULL, v integer, PRIMARY KEY (at)) PARTITION BY RANGE (at);
        CREATE TABLE m_old PARTITION OF m FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
        CREATE TABLE m_rest PARTITION OF m DEFAULT; CREATE INDEX ON m (v);
        CREATE TABLE base (id integer PRIMARY KEY, a text);
        CREATE TABLE child (b text) INHERITS (base)""",
    "tables that inherit": HEIRS,
}


LASTING = {"schema", "extension"}  # drop_all leaves them: they may hold anybody's objects


@pytest.fixture
def pulled(database: Database, make_database: MakeDatabase) -> Callable[[str], pull.Proof]:
    """A function that runs SQL, pulls what it made, and compares what the models make."""

    def prove(sql: str) -> pull.Proof:
        catalog = made(database, sql)
        text = pull.source(catalog, pull.Options(layout="file"))["models.py"]
        print(text)  # noqa: T201 - shown when the test fails
        module = ModuleType(f"pulled_{database.dbname}")
        sys.modules[module.__name__] = module
        exec(compile(text, module.__name__, "exec"), vars(module))  # noqa: S102 - what is tested
        module.Base.registry.configure()
        scratch = make_database("scratch")
        made_again = created(module.Base.metadata, scratch)
        with connect(scratch) as connection:
            with as_sqlalchemy(connection) as target, target.begin():
                module.Base.metadata.create_all(target)
            assert read(connection).changes_to(made_again) == ()
            with as_sqlalchemy(connection) as target, target.begin():
                module.Base.metadata.drop_all(target)
            left = {str(at) for at in read(connection).objects if at.kind not in LASTING}
        assert left == set()
        del sys.modules[module.__name__]
        return pull.compared(catalog, made_again)

    return prove


def made(database: Database, sql: str) -> Catalog:
    """Run SQL and read what is there then."""
    with connect(database) as connection:
        connection.execute(sql.encode())
        return read(connection)


@pytest.mark.parametrize("sql", CASES.values(), ids=CASES.keys())
def test_models_make_the_same_schema_again(pulled: Callable[[str], pull.Proof], sql: str) -> None:
    proof = pulled(sql)
    assert proof.lost == ()
    assert proof.reordered == ()


@pytest.mark.parametrize("layout", ["file", "package"])
def test_both_layouts_are_proved_in_a_process_of_their_own(
    database: Database, make_database: MakeDatabase, layout: pull.Layout
) -> None:
    case = "enums, domains, composites, ranges"
    catalog = made(database, CASES[case] + ";" + CASES["many to many"])
    options = pull.Options(layout=layout, package="some.models")
    proof = pull.prove(pull.source(catalog, options), catalog, make_database("scratch"), options)
    assert str(proof).endswith(": exact")


def test_the_same_schema_gives_the_same_bytes(
    database: Database, make_database: MakeDatabase
) -> None:
    sql = CASES["several foreign keys to one table, self references, one to one"] + ";" + LIBRARY
    first, second = made(database, sql), made(make_database(), sql)
    assert pull.source(first) == pull.source(second)


PIECES = {
    "types": "CREATE TYPE b_mood AS ENUM ('x'); CREATE TYPE a_mood AS ENUM ('y')",
    "books": "CREATE TABLE books (id serial PRIMARY KEY, a integer, b integer, mood b_mood)",
    "authors": "CREATE TABLE authors (id serial PRIMARY KEY, name text, mood a_mood)",
    "editors": "CREATE TABLE editors (id serial PRIMARY KEY, name text)",
}
LATER = [
    "ALTER TABLE books ADD CONSTRAINT book_author FOREIGN KEY (a) REFERENCES authors",
    "ALTER TABLE books ADD CONSTRAINT book_editor FOREIGN KEY (b) REFERENCES editors",
    "ALTER TABLE books ADD CONSTRAINT book_second FOREIGN KEY (b) REFERENCES authors",
    "CREATE INDEX by_b ON books (b)",
    "CREATE INDEX by_a ON books (a)",
    "CREATE VIEW w AS SELECT id FROM authors",
    "CREATE VIEW v AS SELECT id FROM books",
    "CREATE FUNCTION g() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 2'",
]


@pytest.mark.parametrize("style", ["declarative", "dataclass", "sqlmodel"])
def test_the_order_of_creation_does_not_show(
    database: Database, make_database: MakeDatabase, style: pull.Style
) -> None:
    types, *tables = PIECES.values()
    one = made(database, ";".join([types, *tables, *LATER]))
    other = made(make_database(), ";".join([types, *reversed(tables), *reversed(LATER)]))
    options = pull.Options(style=style)
    assert pull.source(one, options) == pull.source(other, options)


def test_source_is_as_a_person_writes_it(database: Database) -> None:
    files = pull.source(made(database, LIBRARY))
    assert files["books.py"] == textwrap.dedent('''\
        """The table books."""

        from __future__ import annotations

        import datetime as dt
        from typing import TYPE_CHECKING

        import sqlalchemy as sa
        from sqlalchemy.orm import Mapped, mapped_column, relationship

        from models.base import Base

        if TYPE_CHECKING:
            from models.authors import Author


        class Book(Base):
            __tablename__ = "books"

            id: Mapped[int] = mapped_column(primary_key=True)
            title: Mapped[str]
            author_id: Mapped[int] = mapped_column(sa.ForeignKey("authors.id"))
            published_year: Mapped[int | None]
            created_at: Mapped[dt.datetime] = mapped_column(server_default=sa.text("now()"))

            author: Mapped[Author] = relationship(back_populates="books")
        ''')


def test_expressions_read_as_people_write_them(database: Database) -> None:
    sql = """
        CREATE FUNCTION slug(t text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT lower(t) $$;
        CREATE TABLE t (id integer PRIMARY KEY, title varchar DEFAULT slug('X'),
            s text GENERATED ALWAYS AS (slug(title)) STORED);
        CREATE INDEX by_slug ON t (slug(title), lower(title))"""
    made(database, sql)
    catalog = Live(database, near=True).catalog()
    text = pull.source(catalog, pull.Options(layout="file"))["models.py"]
    assert """server_default=sa.text("slug('X'::text)")""" in text
    assert 'sa.Computed("slug(title::text)", persisted=True)' in text
    assert 'sa.text("slug(title::text)"), sa.text("lower(title::text)")' in text


def test_relationships_have_sound_names(database: Database) -> None:
    case = "several foreign keys to one table, self references, one to one"
    text = pull.source(made(database, CASES[case]), pull.Options(layout="file"))["models.py"]
    for line in (
        "manager: Mapped[User | None] = relationship(",
        "users_as_manager: Mapped[list[User]] = relationship(",
        "parent: Mapped[User | None] = relationship(",
        "children: Mapped[list[User]] = relationship(",
        "letters_as_sender: Mapped[list[Letter]] = relationship(",
        "sender: Mapped[User] = relationship(",
        "created_by_user: Mapped[User | None] = relationship(",
        "profile: Mapped[Profile | None] = relationship(",
    ):
        assert line in text


@pytest.mark.parametrize(
    "case",
    [
        "serials whose sequence is not the usual one",
        "a foreign key that is not valid yet",
        "functions before and after tables, triggers, policies, rules, statistics",
        "indexes",
        "another schema, and the same table name twice",
    ],
)
def test_alembics_own_autogenerate_finds_no_change(database: Database, case: str) -> None:
    made(database, CASES[case])
    catalog = Live(database, near=True).catalog()
    text = pull.source(catalog, pull.Options(layout="file"))["models.py"]
    module = ModuleType(f"pulled_{database.dbname}")
    sys.modules[module.__name__] = module
    exec(compile(text, module.__name__, "exec"), vars(module))  # noqa: S102 - what is tested
    given = {
        "compare_type": True,
        "compare_server_default": True,
        "include_schemas": "shop" in text,
    }
    with connect(database) as connection, as_sqlalchemy(connection) as wrapped:
        context = MigrationContext.configure(wrapped, opts=given)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it cannot compare
            assert compare_metadata(context, module.Base.metadata) == []


def test_what_postgres_spells_anew_each_time_is_no_loss(
    database: Database, make_database: MakeDatabase
) -> None:
    catalog = made(database, "CREATE TABLE t (k varchar CHECK (k IN ('a', 'b')))")
    options = pull.Options(layout="file")
    proof = pull.prove(pull.source(catalog, options), catalog, make_database("scratch"), options)
    assert proof.exact


def test_what_is_lost_is_listed(database: Database, make_database: MakeDatabase) -> None:
    catalog = made(database, LIBRARY)
    files = {"models.py": pull.source(catalog, pull.Options(layout="file"))["models.py"]}
    files["models.py"] = files["models.py"].replace("    published_year: Mapped[int | None]\n", "")
    proof = pull.prove(files, catalog, make_database("scratch"), pull.Options(layout="file"))
    assert not proof.exact
    assert [str(change.address) for change in proof.lost] == ["column public.books.published_year"]
    assert str(proof).endswith("1 differs")


LEFT_OUT = """
    CREATE TABLE t (id serial PRIMARY KEY, n integer); CREATE VIEW a AS SELECT id FROM t;
    CREATE VIEW b AS SELECT id FROM a; CREATE OR REPLACE VIEW a AS SELECT id FROM b;
    CREATE VIEW c AS SELECT id FROM b; CREATE VIEW fine AS SELECT n FROM t
"""


def test_what_cannot_be_created_is_named_and_left_out(database: Database, tmp_path: Path) -> None:
    made(database, LEFT_OUT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHADOW_DATABASE_URL", database.url)
        merge, proof = pull.fresh(Live(database), tmp_path / "models.py")
    assert [line.partition(": ")[0] for line in merge.left] == [
        "view public.a",
        "view public.b",
        "view public.c",
    ]
    assert 'relation "public.b" does not exist' in merge.left[0]
    (text,) = merge.files.values()
    assert '"fine"' in text
    assert '"a"' not in text
    assert not proof.exact


IDIOMS = """
    CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN feeling AS mood;
    CREATE TABLE t (id serial PRIMARY KEY, a text, n serial, feeling feeling);
    CREATE INDEX ops ON t (a text_pattern_ops); COMMENT ON TABLE t IS 'the comment';
    ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;
    CREATE TYPE span AS RANGE (subtype = float8); CREATE TABLE base (id integer PRIMARY KEY);
    CREATE TABLE child (note text) INHERITS (base);
    CREATE TABLE logs (at date NOT NULL) PARTITION BY RANGE (at);
    CREATE TABLE old PARTITION OF logs FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
    CREATE INDEX by_at ON logs (at DESC); CREATE VIEW feelings AS SELECT feeling FROM t;
"""


def test_objects_are_declared_as_experts_do(database: Database) -> None:
    text = pull.source(made(database, IDIOMS), pull.Options(layout="file"))["models.py"]
    for line in (
        'sa.Index("ops", "a", postgresql_ops={"a": "text_pattern_ops"})',
        'RowSecurity("t", metadata=Base.metadata, force=True)',
        'Range("span", "double precision", metadata=Base.metadata)',
        "    feeling: Mapped[Mood | None] = mapped_column(TypeLike(",
        "n: Mapped[int] = mapped_column(Serial())",
        '"comment": "the comment"',
        'Partition("old", "logs", "FOR VALUES FROM (MINVALUE) TO (',
        'sa.Index("by_at", sa.text("at DESC")), postgresql_partition_by=',
        'feelings = View("feelings", """',
        "Inherits(",
        'columns={"feeling": TypeLike("public.feeling", MOOD)}',
    ):
        assert "".join(line.split()) in "".join(text.split())
    for word in ("Statement(", "NotNull(", "Sequence(", "FetchedValue", '"""the comment"""'):
        assert word not in text


@pytest.mark.parametrize("place", ["file", "file/models.py", "folder.py"])
def test_a_place_that_cannot_be_written_is_refused_at_once(
    database: Database, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be written"):
        pull.fresh(Live(database), tmp_path / place)


def test_a_missing_package_is_named(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(database, "CREATE EXTENSION vector; CREATE TABLE t (id serial PRIMARY KEY, v vector(3))")
    monkeypatch.setattr(packaged, "find_spec", lambda _: None)
    merge, _ = pull.fresh(Live(database), tmp_path / "models.py", proving=False)
    assert merge.notes == ("Values of vector are strings: pip install pgvector",)


CHAINED = """
    CREATE SCHEMA shop;
    CREATE TYPE shop.state AS ENUM ('open', 'closed');
    CREATE FUNCTION shop.one() RETURNS integer LANGUAGE sql AS 'SELECT 1';
    CREATE TABLE zones (id bigint PRIMARY KEY);
    CREATE TABLE cities (zone_id bigint PRIMARY KEY REFERENCES zones);
    CREATE TABLE addresses (city_id bigint PRIMARY KEY REFERENCES cities);
    CREATE TABLE shop.orders (address_id bigint REFERENCES addresses, state shop.state,
        amount integer DEFAULT shop.one());
    CREATE VIEW shop.amounts AS SELECT amount FROM shop.orders;
"""


@pytest.mark.parametrize("layout", ["file", "package"])
def test_a_column_that_refers_to_one_that_refers_on_has_its_type_in_any_module(
    database: Database, make_database: MakeDatabase, layout: pull.Layout
) -> None:
    catalog, options = made(database, CHAINED), pull.Options(layout=layout)
    files = pull.source(catalog, options)
    assert pull.prove(files, catalog, make_database("scratch"), options).exact


@pytest.mark.parametrize(
    "more",
    [
        "CREATE TABLE one.t (id integer PRIMARY KEY)",
        "CREATE TYPE two.mood AS ENUM ('low'); CREATE TABLE one.t (mood two.mood)",
        "CREATE TYPE two.mood AS ENUM ('low')",
    ],
)
def test_schemas_are_created_where_there_are_no_entities(
    database: Database, make_database: MakeDatabase, more: str
) -> None:
    catalog = made(database, f"CREATE SCHEMA one; CREATE SCHEMA two; {more}")
    options = pull.Options(layout="file")
    files = pull.source(catalog, options)
    assert pull.prove(files, catalog, make_database("scratch"), options).exact


def test_what_postgres_refuses_is_said_in_its_own_words(
    database: Database, make_database: MakeDatabase
) -> None:
    catalog, options = made(database, CHAINED), pull.Options(layout="file")
    text = pull.source(catalog, options)["models.py"].replace('"shop.one()")', '"shop.none()")')
    with pytest.raises(ModelsError, match=r"function shop\.none\(\) does not exist"):
        pull.prove({"models.py": text}, catalog, make_database("scratch"), options)


WORKING = {
    "__init__.py": '''\
"""Tables."""

from library.authors import Author
from library.base import Base

__all__ = ["Author", "Base"]
''',
    "base.py": """\
from typing import Any, ClassVar

from sqlalchemy import Text
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text}
""",
    "authors.py": '''\
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from library.base import Base


class Author(Base):
    """Somebody who writes."""

    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True)  # never reused
    name: Mapped[str]
    bio: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    def shout(self) -> str:
        return self.name.upper()
''',
}


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of working models that has authors, committed to git."""
    folder = tmp_path / "library"
    folder.mkdir()
    for path, text in WORKING.items():
        (folder / path).write_text(text)
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "models"]):
        git(tmp_path, *words)
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    yield folder
    forget()


def git(folder: Path, *words: str) -> None:
    """Run git as somebody."""
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def forget() -> None:
    """Forget the imported models, so that they are read again."""
    for name in [name for name in sys.modules if name.split(".")[0] == "library"]:
        del sys.modules[name]


def merged(live: Catalog, scratch: Database) -> pull.Merge:
    """Merge into the library's models, as they are on disk."""
    import importlib  # noqa: PLC0415

    forget()
    importlib.invalidate_caches()
    metadata = importlib.import_module("library").Base.metadata
    return pull.merge(metadata, created(metadata, scratch), live, pull.Options(package="library"))


def test_merge_adds_what_is_new_and_leaves_what_is_equal(
    database: Database, make_database: MakeDatabase, library: Path
) -> None:
    live = made(database, LIBRARY)
    found = merged(live, make_database("scratch"))
    assert [address.name for address in found.new] == ["books"]
    assert (found.changed, found.gone, found.left) == ((), (), ())
    assert sorted(path.name for path in found.files) == ["__init__.py", "books.py"]
    found.write()
    assert (library / "authors.py").read_text() == WORKING["authors.py"]
    again = merged(live, make_database("scratch"))
    assert again.files == {}


def test_merge_changes_columns_in_place(
    database: Database, make_database: MakeDatabase, library: Path
) -> None:
    live = made(
        database,
        LIBRARY
        + """
        ALTER TABLE authors ALTER name TYPE varchar(80), DROP COLUMN bio, ADD born date;
        ALTER TABLE authors ADD UNIQUE (name, born)""",
    )
    found = merged(live, make_database("scratch"))
    assert [address.name for address in found.changed] == ["authors"]
    found.write()
    text = (library / "authors.py").read_text()
    for kept in ("# never reused", '"""Somebody who writes."""', "def shout(self) -> str:"):
        assert kept in text
    assert "bio" not in text
    assert 'books: Mapped[list["Book"]] = relationship(back_populates="author")' in text
    again = merged(live, make_database("scratch"))
    assert (again.new, again.changed, again.gone, again.left) == ((), (), (), ())


def test_merge_reports_what_is_gone(
    database: Database, make_database: MakeDatabase, library: Path
) -> None:
    found = merged(made(database, ""), make_database("scratch"))
    # The sequence of a serial goes with its table.
    assert [str(address) for address in found.gone] == ["table public.authors"]
    assert found.files == {}
    assert library.is_dir()


def test_merge_never_overwrites_uncommitted_work(
    database: Database, make_database: MakeDatabase, library: Path
) -> None:
    path = library / "authors.py"
    path.write_text(path.read_text() + "\n# not committed\n")
    live = made(database, LIBRARY + "ALTER TABLE authors ADD born date")
    found = merged(live, make_database("scratch"))
    before = path.read_text()
    with pytest.raises(ConfigurationError, match=r"authors\.py"):
        found.write()
    assert path.read_text() == before
    assert not (library / "books.py").exists()
    found.write(force=True)
    assert "# not committed" in path.read_text()
    assert "born" in path.read_text()


def test_merge_shows_a_diff(database: Database, make_database: MakeDatabase, library: Path) -> None:
    live = made(database, LIBRARY + "ALTER TABLE authors ADD born date")
    text = merged(live, make_database("scratch")).diff(library.parent)
    assert "--- a/library/authors.py" in text
    assert "+    born: Mapped[dt.date | None]" in text
    assert "+++ b/library/books.py" in text


def test_a_role_that_may_only_read_can_be_pulled_from(
    database: Database, connection: psycopg.Connection
) -> None:
    made(database, LIBRARY)
    connection.execute("SET default_transaction_read_only = on")
    assert "books.py" in pull.source(read(connection))
