"""What only the target has is carried over, or it is named before a plan takes it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from limbeck import backfill, migrate
from limbeck.errors import CheckFailedError
from tests.postgres.phases import phase

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

EXPAND = """
CREATE FUNCTION sync() RETURNS trigger LANGUAGE plpgsql
AS 'BEGIN NEW.{0} := NEW.n; RETURN NEW; END';
ALTER TABLE b ADD COLUMN {0} {1};
CREATE TRIGGER sync BEFORE INSERT OR UPDATE ON b FOR EACH ROW EXECUTE FUNCTION sync()"""
DROPS = "DROP TRIGGER sync ON b; DROP FUNCTION sync();"
DROPS_O = "ALTER TABLE b DROP COLUMN o"
# As `generate` writes a change of the type, and of the name, of b.n.
RETYPED = (
    EXPAND.format("n_new", "bigint"),
    f"{DROPS} ALTER TABLE b RENAME n TO o; ALTER TABLE b RENAME n_new TO n; {DROPS_O}",
)
RENAMED = (
    EXPAND.format("m", "int"),
    f"{DROPS} ALTER TABLE b DROP COLUMN m; ALTER TABLE b RENAME n TO m",
)
BY_HAND = """
CREATE INDEX hand_multi ON b (id, {0});
COMMENT ON INDEX hand_multi IS 'for the report';
CREATE UNIQUE INDEX hand_u ON b ({0}) INCLUDE (id) WHERE {0} IS NOT NULL;
CREATE INDEX hand_e ON b (({0} + 1) DESC) WITH (fillfactor = 70);
ALTER TABLE b ADD CONSTRAINT hand_c CHECK ({0} <> 13 AND id > 0);
ALTER TABLE b ADD CONSTRAINT hand_f FOREIGN KEY ({0}) REFERENCES other (n) ON DELETE CASCADE;
ALTER TABLE b ADD CONSTRAINT hand_k UNIQUE ({0}, id) DEFERRABLE INITIALLY DEFERRED"""
OBJECTS = """
SELECT pg_get_indexdef(i.indexrelid) || coalesce(obj_description(i.indexrelid), '')
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE indrelid = 'b'::regclass AND indisvalid
UNION ALL SELECT conname || ' ' || convalidated || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE conrelid = 'b'::regclass AND contype <> 'n' ORDER BY 1"""


def plan(work: Work, database: Database) -> migrate.Plan:
    return migrate.plan(work.project, work.profile, database)


def migrated(work: Work, database: Database, *allow: str) -> migrate.Report:
    return migrate.apply(plan(work, database), confirm=lambda _: True, allow=allow)


def objects(connection: psycopg.Connection) -> list[str]:
    return [str(text) for (text,) in connection.execute(OBJECTS.encode()).fetchall()]


def changing(work: Work, database: Database, phases: tuple[str, str]) -> None:
    """Write a change of b.n in two phases; the database has neither yet."""
    work.revision("base", "create table b (id int primary key, n int)")
    work.revision("other", "create table other (n bigint primary key)")
    migrated(work, database)
    new = "n_new" if phases == RETYPED else "m"
    sets = {"table": "public.b", "set": {new: "n"}, "where": f"{new} IS DISTINCT FROM n"}
    phase(work, "expand", phases[0], phase="expand", change="n", backfills=[sets])
    phase(work, "contract", phases[1], phase="contract", change="n")


@pytest.mark.parametrize(("phases", "column"), [(RETYPED, "n"), (RENAMED, "m")])
def test_a_contract_carries_indexes_and_constraints_over(
    phases: tuple[str, str],
    column: str,
    work: Work,
    database: Database,
    connection: psycopg.Connection,
) -> None:
    changing(work, database, phases)
    connection.execute("INSERT INTO other SELECT n FROM generate_series(20, 1000) n")
    connection.execute("INSERT INTO b SELECT n, n FROM other")
    migrated(work, database)
    backfill.run(backfill.plan(work.project, work.profile, database), confirm=lambda _: True)
    connection.execute(BY_HAND.format(column).encode())
    before = objects(connection)
    assert migrated(work, database).applied
    assert objects(connection) == before
    assert plan(work, database).own == ()


def test_both_phases_in_one_go_carry_them_over_too(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    changing(work, database, RETYPED)
    connection.execute(BY_HAND.format("n").encode())
    before = objects(connection)
    assert len(migrated(work, database).applied) == 2
    assert objects(connection) == before


def test_an_index_of_a_partitioned_table_is_carried_over_with_those_of_its_partitions(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    base = "create table p (id int, n int) partition by list (id);"
    leaves = "create table p1 partition of p for values in (1);"
    leaves += "create table p2 partition of p default"
    expand = "ALTER TABLE p ADD COLUMN n_new bigint"
    rename = "ALTER TABLE p RENAME n TO o; ALTER TABLE p RENAME n_new TO n"
    for message, text in {"base": base + leaves, "expand": expand}.items():
        work.revision(message, text)
    migrated(work, database)
    work.revision("contract", f"{rename}; ALTER TABLE p DROP COLUMN o")
    connection.execute("CREATE INDEX hand ON p (n, id)")
    connection.execute("ALTER TABLE p ADD CONSTRAINT hand_c CHECK (n > 0)")
    with pytest.raises(CheckFailedError, match="hand_c on public"):
        migrated(work, database)
    connection.execute("ALTER TABLE p DROP CONSTRAINT hand_c")
    query = "SELECT pg_get_indexdef(indexrelid), indisvalid FROM pg_index"
    query += " WHERE indrelid::regclass::text ~ '^p[12]?$' ORDER BY 1"
    before = connection.execute(query.encode()).fetchall()
    assert migrated(work, database).applied
    assert connection.execute(query.encode()).fetchall() == before


# Every case has a schema of its own, so that one plan shows all of them.
BASE = """
CREATE SCHEMA {0};
CREATE TYPE {0}.mood AS ENUM ('good');
CREATE TABLE {0}.t (id int PRIMARY KEY, a int, d int, CONSTRAINT known UNIQUE (d));
CREATE INDEX ix ON {0}.t (a);
CREATE VIEW {0}.v AS SELECT id FROM {0}.t;
CREATE FUNCTION {0}.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
"""
DROP_A = "ALTER TABLE {0}.t DROP COLUMN a CASCADE"
TAKEN = {
    # what only the target has: what a revision does, and what becomes of it
    "CREATE INDEX h ON {0}.t (lower(a::text))": (DROP_A, "index {0}.h (lost: {0}.t.a)"),
    "CREATE UNIQUE INDEX h ON {0}.t (a, id)": (
        'op.drop_column("t", "a", schema="{0}")',
        "index {0}.h (lost: {0}.t.a)",
    ),
    "ALTER TABLE {0}.t ADD CONSTRAINT h CHECK (a > id)": (
        DROP_A,
        "table constraint h on {0}.t (lost: {0}.t.a)",
    ),
    "CREATE STATISTICS {0}.h ON a, d FROM {0}.t": (
        DROP_A,
        "statistics object {0}.h (lost: {0}.t.a)",
    ),
    "CREATE VIEW {0}.h AS SELECT a FROM {0}.t": (DROP_A, "view {0}.h (in the way: {0}.t.a)"),
    "CREATE MATERIALIZED VIEW {0}.h AS SELECT a FROM {0}.t": (
        'op.alter_column("t", "a", type_=sa.BigInteger(), schema="{0}")',
        "materialized view {0}.h (in the way: {0}.t.a)",
    ),
    "CREATE POLICY h ON {0}.t USING (a > 0)": (
        "ALTER TABLE {0}.t ALTER COLUMN a TYPE bigint",
        "policy h on {0}.t (in the way: {0}.t.a)",
    ),
    "CREATE TRIGGER h BEFORE UPDATE OF a ON {0}.t FOR EACH ROW EXECUTE FUNCTION {0}.f()": (
        DROP_A,
        "trigger h on {0}.t (in the way: {0}.t.a)",
    ),
    "CREATE RULE h AS ON DELETE TO {0}.t DO INSTEAD NOTHING": (
        "DROP TABLE {0}.t CASCADE",
        "rule h on {0}.t (lost: {0}.t)",
    ),
    "ALTER TABLE {0}.t ADD COLUMN h int": (
        "DROP TABLE {0}.t CASCADE",
        "table column {0}.t.h (lost: {0}.t)",
    ),
    "CREATE TABLE {0}.h (id int REFERENCES {0}.t (d))": (
        'op.drop_constraint("known", "t", schema="{0}")',
        "table constraint h_id_fkey on {0}.h (in the way: {0}.known)",
    ),
    "CREATE VIEW {0}.h AS SELECT id FROM {0}.v": (
        "DROP VIEW {0}.v CASCADE",
        "view {0}.h (in the way: {0}.v)",
    ),
    "CREATE TRIGGER h BEFORE INSERT ON {0}.t FOR EACH ROW EXECUTE FUNCTION {0}.f()": (
        "DROP FUNCTION {0}.f() CASCADE",
        "trigger h on {0}.t (in the way: {0}.f())",
    ),
    "CREATE TABLE {0}.h (m {0}.mood)": (
        "DROP TYPE {0}.mood CASCADE",
        "table column {0}.h.m (in the way: {0}.mood)",
    ),
}
STAYS = [
    # It is kept by Postgres, or the revisions know of it, or nothing takes it away.
    ("CREATE INDEX h ON {0}.t (a)", "ALTER TABLE {0}.t ALTER COLUMN a TYPE bigint"),
    ("CREATE INDEX h ON {0}.t (a)", 'op.alter_column("t", "a", new_column_name="b", schema="{0}")'),
    ("CREATE INDEX h ON {0}.t (d)", DROP_A),
    ("CREATE VIEW {0}.h AS SELECT a FROM {0}.t", 'op.drop_index("ix", schema="{0}")'),
    ("CREATE TABLE {0}.elsewhere (a int)", "DROP TABLE {0}.t CASCADE"),
]


def called(schema: str, change: str) -> str:
    text = change.format(schema)
    return text if text.startswith("op.") else f"op.execute({text!r})"


def test_a_plan_stops_before_it_takes_away_what_only_the_target_has(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    changes = [*((own, does) for own, (does, _) in TAKEN.items()), *STAYS]
    base = "".join(BASE.format(f"s{number}") for number in range(len(changes)))
    work.revision("base", f"op.execute({base!r})")
    migrated(work, database)
    for number, (own, _) in enumerate(changes):
        connection.execute(own.format(f"s{number}").encode())
    lines = [called(f"s{number}", does) for number, (_, does) in enumerate(changes)]
    work.revision("takes", "\n".join(lines), imports=("import sqlalchemy as sa",))
    expected = {text.format(f"s{number}") for number, (_, text) in enumerate(TAKEN.values())}
    with pytest.raises(CheckFailedError, match="only development has these") as caught:
        migrated(work, database)
    assert {line.strip() for line in caught.value.message.splitlines()[1:]} == expected
    assert "--allow target-only" in (caught.value.hint or "")
    assert len(plan(work, database).revisions) == 1


def test_functions_whose_text_names_what_is_renamed_or_dropped_are_named(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    work.revision("base", "create table t (a int, d int); create view v as select 1")
    work.revision("known", "create function k() returns int language sql as 'SELECT 1'")
    migrated(work, database)
    for name, text in {"a": "max(a) FROM t", "d": "max(d) FROM t", "v": "count(*) FROM v"}.items():
        body = f"'BEGIN RETURN (SELECT {text}); END'"
        create = f"CREATE FUNCTION names_{name}() RETURNS int LANGUAGE plpgsql AS {body}"
        connection.execute(create.encode())
    renames = 'op.alter_column("t", "a", new_column_name="b")\nop.execute("DROP VIEW v")'
    work.revision("renames", renames)
    assert [str(each) for each in plan(work, database).own] == [
        "function public.names_a() (broken: public.t.a)",
        "function public.names_v() (broken: public.v)",
    ]


def test_what_is_lost_is_lost_when_that_is_allowed(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    work.revision("base", "create table t (a int)")
    migrated(work, database)
    connection.execute("CREATE INDEX h ON t (a)")
    work.revision("takes", "alter table t drop column a")
    with pytest.raises(CheckFailedError, match=r"index public\.h \(lost: public\.t\.a\)"):
        migrated(work, database)
    assert migrated(work, database, "target-only").applied


def test_a_revision_with_python_of_its_own_is_not_run_to_look(
    work: Work, database: Database
) -> None:
    work.revision("base", "create table t (a int)")
    migrated(work, database)
    log = work.project.root / "runs"
    work.revision("python", f'open({str(log)!r}, "a").write("x")\nop.drop_table("t")')
    plan(work, database)
    assert not log.exists()
