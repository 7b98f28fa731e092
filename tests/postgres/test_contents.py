"""Whatever changes a catalog changes the hashes of a database's contents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import psycopg
import pytest

from limbeck.schema.catalog.contents import contents_of, hashes
from limbeck.schema.catalog.pipeline import text
from limbeck.schema.catalog.queries import contents
from limbeck.schema.catalog.read import GRANTS, QUESTIONS, RARE

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server

BEFORE: Final = """
CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'x', b int, r int4range);
CREATE TABLE p (id int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9);
CREATE TABLE p2 (id int);
CREATE SEQUENCE s;
CREATE INDEX i ON t (a);
CREATE VIEW v AS SELECT id FROM t;
CREATE TYPE e AS ENUM ('x');
CREATE DOMAIN d AS int CONSTRAINT small CHECK (VALUE < 9);
CREATE TYPE c AS (a int);
CREATE TYPE ra AS RANGE (SUBTYPE = date);
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE TRIGGER changes BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION changed();
CREATE POLICY mine ON t USING (id = 1);
CREATE RULE quiet AS ON DELETE TO t DO INSTEAD NOTHING;
CREATE STATISTICS st ON a, b FROM t;
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE OPERATOR FAMILY fam USING btree;
CREATE TEXT SEARCH CONFIGURATION words (COPY = simple);
CREATE FOREIGN DATA WRAPPER away;
CREATE SERVER there FOREIGN DATA WRAPPER away;
CREATE FOREIGN TABLE ft (id int) SERVER there;
CREATE PUBLICATION pub;
CREATE EVENT TRIGGER ev ON ddl_command_end EXECUTE FUNCTION noted();
CREATE COLLATION col (PROVIDER = libc, LOCALE = 'C');
CREATE CAST (c AS text) WITH INOUT;
"""

EDITS: Final = (
    "ALTER TABLE t ALTER a SET DEFAULT 'y'",
    "ALTER TABLE t ALTER a DROP DEFAULT",
    "ALTER TABLE t ALTER b TYPE bigint",
    "ALTER TABLE t ALTER b SET NOT NULL",
    "ALTER TABLE t ALTER a SET STORAGE plain",
    "ALTER TABLE t RENAME a TO z",
    "ALTER TABLE t DROP b",
    "ALTER TABLE t ADD UNIQUE (b)",
    "ALTER TABLE t ADD CHECK (b > 0) NOT VALID",
    "ALTER TABLE t SET (fillfactor = 50)",
    "ALTER TABLE t SET (toast.autovacuum_enabled = off)",
    "ALTER TABLE t REPLICA IDENTITY FULL",
    "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE t DISABLE TRIGGER changes",
    "ALTER TABLE t RENAME TO u",
    "ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (19)",
    "ALTER TABLE p DETACH PARTITION p1",
    "ALTER SEQUENCE s INCREMENT 2",
    "ALTER SEQUENCE s OWNED BY t.b",
    "ALTER INDEX i SET (fillfactor = 50)",
    "ALTER INDEX i RENAME TO j",
    "CREATE OR REPLACE VIEW v AS SELECT id + 0 AS id FROM t",
    "ALTER VIEW v SET (security_barrier = true)",
    "ALTER TYPE e ADD VALUE 'y'",
    "ALTER TYPE e RENAME VALUE 'x' TO 'z'",
    "ALTER DOMAIN d DROP CONSTRAINT small",
    "ALTER DOMAIN d SET DEFAULT 1",
    "ALTER TYPE c ADD ATTRIBUTE b int",
    "ALTER TYPE ra RENAME TO rb",
    "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
    "ALTER FUNCTION f() STABLE",
    "CREATE OR REPLACE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '1')",
    "ALTER POLICY mine ON t USING (id = 2)",
    "CREATE OR REPLACE RULE quiet AS ON DELETE TO t DO ALSO NOTHING",
    "ALTER STATISTICS st SET STATISTICS 9",
    "ALTER OPERATOR ===(int, int) SET (RESTRICT = eqsel)",
    "ALTER OPERATOR FAMILY fam USING btree ADD OPERATOR 1 < (int, int)",
    "ALTER TEXT SEARCH CONFIGURATION words DROP MAPPING FOR word",
    "ALTER FOREIGN DATA WRAPPER away OPTIONS (a 'b')",
    "ALTER SERVER there OPTIONS (a 'b')",
    "ALTER FOREIGN TABLE ft OPTIONS (a 'b')",
    "ALTER PUBLICATION pub ADD TABLE t",
    "ALTER PUBLICATION pub SET (publish = 'insert')",
    "ALTER EVENT TRIGGER ev DISABLE",
    "ALTER COLLATION col RENAME TO other",
    "COMMENT ON COLUMN t.a IS 'a'",
    "COMMENT ON SCHEMA public IS 'another'",
    "COMMENT ON FUNCTION f() IS 'a'",
    "CREATE SCHEMA more",
    "DROP CAST (c AS text)",
    "GRANT SELECT ON t TO PUBLIC",
    "GRANT SELECT (a) ON t TO PUBLIC",
    "REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
)


def statements() -> list[str]:
    return [each.strip() for each in BEFORE.strip().split(";\n")]


def test_the_first_object_of_each_kind_changes_the_hashes(empty: psycopg.Connection) -> None:
    with empty.transaction(force_rollback=True):
        for statement in [*statements(), "CREATE EXTENSION hstore"]:
            before = contents_of(empty, grants=False)
            empty.execute(statement.encode())
            assert hashes(empty, before.kinds, grants=False) != before.hashes, statement
        assert contents_of(empty, grants=False).kinds == (*RARE,)


@pytest.fixture
def alone(own_server: Server) -> Iterator[psycopg.Connection]:
    """A session on a server whose roles and databases nobody else changes meanwhile."""
    with psycopg.connect(own_server.url(), autocommit=True) as connection:
        yield connection


def test_every_edit_changes_the_hashes_and_statistics_do_not(alone: psycopg.Connection) -> None:
    with alone.transaction(force_rollback=True):
        alone.execute(BEFORE.encode())
        before = contents_of(alone, grants=True)
        same = []
        for edit in EDITS:
            with alone.transaction(force_rollback=True):
                alone.execute(edit.encode())
                if hashes(alone, before.kinds, grants=True) == before.hashes:
                    same.append(edit)
        assert same == []
        alone.execute("INSERT INTO t VALUES (1, 'a', 1, NULL)")
        alone.execute("ANALYZE t")
        assert contents_of(alone, grants=True) == before


def test_all_system_catalogs_that_are_read_are_hashed(empty: psycopg.Connection) -> None:
    major = empty.info.server_version // 10000
    hashed = contents.sql(major, (*RARE,), grants=True)
    queries = [text(query, empty) for query in (QUESTIONS | GRANTS).values()]
    named = {name for query in queries for name in re.findall(r"\bpg_\w+", query)}
    rows = empty.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace"
    )
    catalogs = {name for (name,) in rows}
    assert {"pg_proc", "pg_ts_config_map"} < named & catalogs
    assert named & catalogs <= set(re.findall(r"\bpg_\w+", hashed))
    rows = empty.execute(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = 'pg_class'::regclass AND attnum > 0 AND NOT attisdropped"
    )
    assert {name for (name,) in rows} - set(contents.STABLE.split(", ")) <= {
        "relallfrozen",
        "relallvisible",
        "relfilenode",
        "relfrozenxid",
        "relisshared",
        "relminmxid",
        "relpages",
        "reltuples",
        "relrewrite",
    }
