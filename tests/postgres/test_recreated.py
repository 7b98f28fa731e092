"""What is dropped and created again keeps what only its database has of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from limbeck import generate, migrate
from limbeck.schema.catalog.filters import Filters
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare, recreated
from tests.postgres.test_diff import carry_out, connect, differences

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

# Everything that a database has of an object beside its definition.
PROPERTIES = """
WITH item AS (
  SELECT 'pg_class'::regclass AS class, oid AS id, relowner AS owner, relacl AS acl,
    array_to_string(reloptions, ',') AS settings FROM pg_class WHERE relkind NOT IN ('t', 'c')
    AND relnamespace = 'public'::regnamespace
  UNION ALL
  SELECT 'pg_proc'::regclass, oid, proowner, proacl, '' FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
  UNION ALL
  SELECT 'pg_type'::regclass, oid, typowner, typacl, '' FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd', 'r') OR typrelid IN
      (SELECT oid FROM pg_class WHERE relkind = 'c' AND relnamespace = 'public'::regnamespace)
  UNION ALL
  SELECT 'pg_statistic_ext'::regclass, oid, stxowner, NULL, stxstattarget::text
    FROM pg_statistic_ext
  UNION ALL
  SELECT 'pg_publication'::regclass, oid, pubowner, NULL, '' FROM pg_publication
  UNION ALL
  SELECT 'pg_trigger'::regclass, oid, NULL, NULL, tgenabled::text FROM pg_trigger
    WHERE NOT tgisinternal
  UNION ALL
  SELECT 'pg_rewrite'::regclass, oid, NULL, NULL, ev_enabled::text FROM pg_rewrite
    WHERE rulename <> '_RETURN' AND oid > 16384
  UNION ALL
  SELECT 'pg_policy'::regclass, oid, NULL, NULL, '' FROM pg_policy
  UNION ALL
  SELECT 'pg_constraint'::regclass, oid, NULL, NULL, '' FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
), part AS (
  SELECT class, id, 0 AS sub, owner, acl, settings FROM item
  UNION ALL
  SELECT class, id, attnum, NULL, attacl, concat_ws(',', NULLIF(attstattarget, -1), attoptions,
    NULLIF(attstorage, typstorage))
  FROM item JOIN pg_attribute ON class = 'pg_class'::regclass AND attrelid = id AND attnum > 0
    AND NOT attisdropped JOIN pg_type ON pg_type.oid = atttypid
)
SELECT name.identity || ' ' || what, value FROM part,
  pg_identify_object(class, id, sub) AS name, LATERAL (VALUES
    ('owner', owner::regrole::text), ('settings', NULLIF(settings, '')),
    ('grants', (SELECT string_agg(concat_ws(' ', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE
      grantee::regrole::text END, privilege_type, is_grantable), ', '
      ORDER BY grantee, privilege_type) FROM aclexplode(acl))),
    ('marks', (SELECT concat(indisclustered, indisreplident) FROM pg_index WHERE indexrelid = id)),
    ('comment', (SELECT description FROM pg_description
      WHERE (classoid, objoid, objsubid) = (class, id, sub)))
  ) AS properties (what, value)
WHERE value IS NOT NULL
"""


@dataclass(frozen=True)
class Case:
    """A change that creates objects again, and what only the target says of them.

    `app` is an ordinary role and `keeper` another one, of which the migrating role is a member.
    """

    name: str
    before: str
    after: str
    target: str


BASE = "CREATE TABLE a (id int PRIMARY KEY, n int, t text);"
WIDER = "CREATE TABLE a (id int PRIMARY KEY, n bigint, t text);"
VIEW = "CREATE VIEW v AS SELECT id, n FROM a; CREATE VIEW w AS SELECT n FROM v;"
FILLED = (
    'CREATE MATERIALIZED VIEW m AS SELECT id, n, t FROM a; CREATE INDEX "m x" ON m (n, (n + 1));'
)
CASES = [
    Case(
        "views",
        BASE + VIEW,
        WIDER + VIEW,
        """
        GRANT SELECT ON v TO app; GRANT SELECT (n), UPDATE (n) ON w TO app WITH GRANT OPTION;
        GRANT SELECT ON w TO PUBLIC; ALTER VIEW v OWNER TO keeper;
        REVOKE UPDATE, DELETE ON v FROM keeper;
        ALTER VIEW v SET (security_barrier = true); COMMENT ON VIEW v IS 'for ''us'' 100%';
        COMMENT ON COLUMN v.n IS 'many'
        """,
    ),
    Case(
        "a view that loses a column",
        "CREATE TABLE a (id int, n int); CREATE VIEW v AS SELECT id, n FROM a;",
        "CREATE TABLE a (id int, n int); CREATE VIEW v AS SELECT id FROM a;",
        "GRANT SELECT ON v TO app; GRANT UPDATE (id) ON v TO app; GRANT UPDATE (n) ON v TO app",
    ),
    Case(
        "a materialized view and its index",
        BASE + FILLED,
        WIDER + FILLED,
        """
        GRANT SELECT ON m TO app; ALTER MATERIALIZED VIEW m OWNER TO keeper;
        ALTER MATERIALIZED VIEW m SET (fillfactor = 70, toast.autovacuum_enabled = false);
        ALTER MATERIALIZED VIEW m ALTER n SET STATISTICS 500, ALTER n SET (n_distinct = 7),
          ALTER t SET STORAGE EXTERNAL;
        ALTER INDEX "m x" ALTER COLUMN 2 SET STATISTICS 300;
        ALTER INDEX "m x" SET (fillfactor = 60);
        COMMENT ON INDEX "m x" IS 'fast'; ALTER MATERIALIZED VIEW m CLUSTER ON "m x";
        """,
    ),
    Case(
        "routines",
        """
        CREATE FUNCTION f(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE PROCEDURE p(INOUT a int) LANGUAGE sql AS 'SELECT 1';
        CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int)
        """,
        """
        CREATE FUNCTION f(a int, b text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
        CREATE PROCEDURE p(INOUT b int) LANGUAGE sql AS 'SELECT 1';
        CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')
        """,
        """
        REVOKE EXECUTE ON FUNCTION f FROM PUBLIC; GRANT EXECUTE ON FUNCTION f TO app;
        ALTER FUNCTION f OWNER TO keeper; COMMENT ON FUNCTION f IS 'one';
        REVOKE EXECUTE ON PROCEDURE p FROM PUBLIC; ALTER AGGREGATE total(int) OWNER TO keeper;
        GRANT EXECUTE ON FUNCTION total TO app WITH GRANT OPTION
        """,
    ),
    Case(
        "types",
        "CREATE TYPE mood AS ENUM ('x', 'y'); CREATE DOMAIN d AS int; CREATE TABLE a (m mood, d d)",
        "CREATE TYPE mood AS ENUM ('y'); CREATE DOMAIN d AS bigint; CREATE TABLE a (m mood, d d)",
        """
        REVOKE USAGE ON TYPE mood FROM PUBLIC; GRANT USAGE ON TYPE mood TO app;
        ALTER TYPE mood OWNER TO keeper; COMMENT ON TYPE mood IS 'how'; COMMENT ON DOMAIN d IS 'd';
        ALTER DOMAIN d OWNER TO keeper; GRANT USAGE ON DOMAIN d TO app
        """,
    ),
    Case(
        "an index, a key, checks, policies, triggers, rules, statistics",
        BASE
        + """
        CREATE UNIQUE INDEX i ON a (n, id); ALTER TABLE a ADD CONSTRAINT k UNIQUE (n);
        ALTER TABLE a ADD CONSTRAINT c CHECK (n > 0); CREATE POLICY p ON a USING (n > 0);
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER g BEFORE INSERT ON a EXECUTE FUNCTION f();
        CREATE RULE r AS ON INSERT TO a DO ALSO SELECT 1; CREATE STATISTICS s ON n, t FROM a;
        """,
        BASE
        + """
        CREATE UNIQUE INDEX i ON a (id, n); ALTER TABLE a ADD CONSTRAINT k UNIQUE (n, t);
        ALTER TABLE a ADD CONSTRAINT c CHECK (n > 1); CREATE POLICY p ON a FOR UPDATE USING (n > 0);
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER g BEFORE UPDATE ON a EXECUTE FUNCTION f();
        CREATE RULE r AS ON UPDATE TO a DO ALSO SELECT 1; CREATE STATISTICS s ON id, t FROM a;
        """,
        """
        COMMENT ON INDEX i IS 'i'; COMMENT ON CONSTRAINT k ON a IS 'k'; ALTER TABLE a CLUSTER ON k;
        COMMENT ON CONSTRAINT c ON a IS 'c'; COMMENT ON POLICY p ON a IS 'p';
        COMMENT ON TRIGGER g ON a IS 'g'; ALTER TABLE a ENABLE ALWAYS TRIGGER g;
        COMMENT ON RULE r ON a IS 'r'; ALTER TABLE a DISABLE RULE r;
        COMMENT ON STATISTICS s IS 's'; ALTER STATISTICS s SET STATISTICS 200
        """,
    ),
    Case(
        "a table and its columns",
        "CREATE TABLE a (n int, t text) PARTITION BY RANGE (n)",
        "CREATE TABLE a (n bigint, t text) PARTITION BY RANGE (n)",
        """
        GRANT SELECT ON a TO app; GRANT UPDATE (t) ON a TO app; ALTER TABLE a OWNER TO keeper;
        ALTER TABLE a ALTER n SET STATISTICS 700, ALTER t SET STORAGE EXTERNAL;
        COMMENT ON TABLE a IS 'a'; COMMENT ON COLUMN a.n IS 'n'
        """,
    ),
    Case(
        "a generated column",
        "CREATE TABLE a (n int, g int GENERATED ALWAYS AS (n + 1) STORED, h int)",
        "CREATE TABLE a (n bigint, g bigint GENERATED ALWAYS AS (n + 2) STORED, h int)",
        """
        GRANT SELECT (g), INSERT (h) ON a TO app; COMMENT ON COLUMN a.g IS 'g';
        ALTER TABLE a ALTER g SET STATISTICS 50, ALTER g SET (n_distinct = -0.5)
        """,
    ),
    Case(
        "a serial that becomes an identity",
        "CREATE TABLE a (id serial)",
        "CREATE TABLE a (id int GENERATED BY DEFAULT AS IDENTITY)",
        "GRANT USAGE ON SEQUENCE a_id_seq TO app; COMMENT ON SEQUENCE a_id_seq IS 'q'",
    ),
]


@pytest.fixture
def roles(admin: psycopg.Connection) -> dict[str, str]:
    """Roles of the cluster, by the names that cases have for them; they stay."""
    suffix = uuid.uuid4().hex[:8]
    names = {name: f'"{name} {suffix}"' for name in ("app", "keeper")}
    for role in names.values():
        admin.execute(f"CREATE ROLE {role}".encode())
    return names


def as_roles(text: str, roles: dict[str, str]) -> bytes:
    for name, role in roles.items():
        text = text.replace(f" TO {name}", f" TO {role}").replace(f"FROM {name}", f"FROM {role}")
    return text.encode()


def properties(connection: psycopg.Connection) -> dict[str, str]:
    return dict(connection.execute(PROPERTIES.encode()).fetchall())


@pytest.mark.parametrize(
    ("case", "filters"),
    [
        *(pytest.param(case, Filters(), id=case.name) for case in CASES),
        *(
            pytest.param(case, Filters(grants=True), id=f"{case.name}, privileges are read")
            for case in CASES[:4]
        ),
    ],
)
def test_what_only_the_target_has_is_there_afterwards_and_after_the_way_back(
    case: Case, filters: Filters, roles: dict[str, str], make_database: Callable[..., Database]
) -> None:
    with connect(make_database("a")) as a, connect(make_database("b")) as b:
        a.execute(case.before.encode())
        b.execute(case.after.encode())
        before, after = read(a, filters=filters), read(b, filters=filters)
        a.execute(as_roles(case.target, roles))
        a.execute(f"ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {roles['app']}".encode())
        had = properties(a)
        for old, new in ((before, after), (after, before)):
            steps = compare.steps(old, new)
            carry_out(a, recreated.preserving(steps, old, new))
            has = properties(a)
            stays = {name for name in had if name in has or name in properties(b)}
            assert {name: has.get(name) for name in stays} == {name: had[name] for name in stays}


def test_what_the_change_itself_says_is_not_restored(
    roles: dict[str, str], make_database: Callable[..., Database]
) -> None:
    view = "CREATE TABLE a (n {}); CREATE VIEW v WITH (security_barrier = {}) AS SELECT n FROM a;"
    view += "COMMENT ON VIEW v IS '{}'; COMMENT ON COLUMN v.n IS '{}'; GRANT {} ON v TO app"
    filters = Filters(grants=True)
    with connect(make_database("a")) as a, connect(make_database("b")) as b:
        a.execute(as_roles(view.format("int", "true", "old", "old", "SELECT, INSERT"), roles))
        b.execute(as_roles(view.format("bigint", "false", "new", "new", "SELECT"), roles))
        before, after = read(a, filters=filters), read(b, filters=filters)
        for old, new in ((before, after), (after, before)):
            carry_out(a, recreated.preserving(compare.steps(old, new), old, new))
            assert differences(read(a, filters=filters), new) == []


MODELS = """
from limbeck.entities import View
Table("a", metadata, Column("id", Integer, primary_key=True), Column("n", {}))
View("v", "select id, n from a", metadata=metadata)
View("w", "select n from v", metadata=metadata)
"""


def test_an_application_can_read_a_view_that_a_revision_creates_again(
    work: Work, database: Database, roles: dict[str, str]
) -> None:
    app, keeper = roles["app"], roles["keeper"]

    def changed(module: str, type_: str) -> generate.Generated:
        text = f"from sqlalchemy import *\nmetadata = MetaData()\n{MODELS.format(type_)}"
        (work.project.root / f"{module}.py").write_text(text)
        generated = generate.revision(replace(work.project, models=f"{module}:metadata"))
        migrate.apply(migrate.plan(work.project, work.profile, database), confirm=lambda _: True)
        return generated

    def readable() -> bool:
        with connect(database) as connection:
            connection.execute(f"SET ROLE {app}".encode())
            return connection.execute(b"SELECT n FROM w, (SELECT count(*) FROM v) c").rowcount == 1

    changed("first", "Integer")
    with connect(database) as connection:
        connection.execute(b"INSERT INTO a VALUES (1, 1)")
        connection.execute(f"GRANT SELECT ON v, w TO {app}; GRANT ALL ON v TO {keeper};".encode())
        connection.execute(f"ALTER VIEW w OWNER TO {keeper}".encode())
    assert readable()
    generated = changed("second", "BigInteger")
    assert readable()
    assert generated.path
    text = generated.path.read_text()
    assert text.count("REMEMBER.format(") == 2  # up and down; the query itself is there once

    migrate.apply(
        migrate.rollback_plan(work.project, work.profile, database), confirm=lambda _: True
    )
    assert readable()
