"""No session of limbeck's takes rows that row security hides for rows that are not there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import pytest

from limbeck import backfill, migrate
from limbeck.errors import DatabaseError, LimbeckError, MigrationError
from limbeck.phased.backfill import estimating
from limbeck.postgres import url as urls
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from tests.postgres.phases import phase
from tests.postgres.test_worker import outside

if TYPE_CHECKING:
    import psycopg

    from limbeck.phased.gates.waiting import Through
    from tests.postgres.conftest import Work

ROWS = 1000
COPY = {"table": "public.t", "set": {"b": "a"}, "where": "b IS DISTINCT FROM a"}
HIDE = """
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
ALTER TABLE t FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON t USING (id = current_setting('app.row', true)::int)"""
CONTRACT = "UPDATE t SET b = a WHERE b IS DISTINCT FROM a; ALTER TABLE t DROP COLUMN a"


@dataclasses.dataclass(frozen=True)
class Place:
    """A project, and its database for the ordinary role that owns it, and for a superuser."""

    work: Work
    own: Database
    all: psycopg.Connection

    def apply(self, to: str = "head", through: Through | None = None) -> migrate.Report:
        """Apply what is pending."""
        plan = migrate.plan(self.work.project, self.work.profile, self.own, to=to, through=through)
        return migrate.apply(plan, confirm=lambda _: True)

    def rows(self) -> list[int]:
        """Count the rows, and those that have a value in the old and in the new column."""
        names = self.all.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 1"
            " AND NOT attisdropped ORDER BY 1"
        ).fetchall()
        counts = ", ".join(f"count({name})" for (name,) in names)
        row = self.all.execute(f"SELECT count(*), {counts} FROM t".encode()).fetchone()
        return list(row or ())


@pytest.fixture
def place(work: Work, database: Database, connection: psycopg.Connection) -> Iterator[Place]:
    """A table with rows that a policy hides from its owner, and a change of it in two phases."""
    role = f"owner_{database.dbname}"
    connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'".encode())
    connection.execute(f"ALTER DATABASE {database.dbname} OWNER TO {role}".encode())
    own = urls.render({**database.parameters, "user": role, "password": "x"})
    place = Place(work, dataclasses.replace(database, url=own), connection)
    base = work.revision("base", "create table t (id int primary key, a text)", "drop table t")
    place.apply(base.id)
    connection.execute("INSERT INTO t SELECT n, 'v' FROM generate_series(1, %s) n", [ROWS])
    connection.execute(HIDE.encode())
    values = {"phase": "expand", "change": "copy", "backfills": [COPY]}
    phase(work, "expand", "ALTER TABLE t ADD COLUMN b text", **values)
    yield place
    connection.execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER".encode())
    connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def contracted(place: Place) -> None:
    phase(place.work, "contract", CONTRACT, phase="contract", change="copy", uses=["public.t.a"])


def expanded(place: Place) -> None:
    place.apply()
    contracted(place)


def verified(place: Place) -> None:
    """Fill as the role that sees all rows, as limbeck did for any role once."""
    place.apply()
    contracted(place)
    everyone = Database("test", place.own.url).parameters
    place.all.execute(f"ALTER ROLE {everyone['user']} BYPASSRLS".encode())
    fill(place)
    place.all.execute(f"ALTER ROLE {everyone['user']} NOBYPASSRLS".encode())


def by_hand(place: Place) -> None:
    place.work.revision("by hand", f"op.execute({CONTRACT!r})")


def fill(place: Place) -> None:
    plan = backfill.plan(place.work.project, place.work.profile, place.own)
    backfill.run(plan, confirm=lambda _: True)


def estimate(place: Place) -> None:
    estimating.estimate(backfill.plan(place.work.project, place.work.profile, place.own))


def versions(place: Place) -> None:
    """Hide the version table, from which everything would seem to be pending."""
    place.all.execute("ALTER TABLE alembic_version ENABLE ROW LEVEL SECURITY")
    place.all.execute("ALTER TABLE alembic_version FORCE ROW LEVEL SECURITY")


Act: TypeAlias = Callable[[Place], object]
CASES: dict[str, tuple[Act, Act, type[LimbeckError]]] = {
    "both phases in one go": (contracted, Place.apply, DatabaseError),
    "the contract alone": (expanded, lambda p: p.apply(through="contract"), DatabaseError),
    "a contract whose backfill was verified before": (verified, Place.apply, DatabaseError),
    "a backfill": (Place.apply, fill, DatabaseError),
    "the estimate of a backfill": (Place.apply, estimate, DatabaseError),
    "a revision written by hand": (by_hand, Place.apply, MigrationError),
    "a revision written by hand, in the project's interpreter": (
        by_hand,
        lambda p: dataclasses.replace(
            p, work=dataclasses.replace(p.work, project=outside(p.work))
        ).apply(),
        MigrationError,
    ),
    "the versions": (versions, Place.apply, DatabaseError),
}


@pytest.mark.parametrize("case", CASES)
def test_where_rows_are_hidden_it_stops_before_anything_is_lost(case: str, place: Place) -> None:
    prepare, act, kind = CASES[case]
    prepare(place)
    before = place.rows()
    with pytest.raises(kind, match=r"row.*security") as caught:
        act(place)
    assert "BYPASSRLS" in (caught.value.hint or "")
    after = place.rows()
    assert (after[:2], ROWS in before) == ([ROWS, ROWS], True)


BLOCK = "with op.get_context().autocommit_block():\n    op.execute('create index early on t (a)')\n"
LATER = "alter table r add constraint k foreign key (t) references t not valid"
HALF_WAY = {
    "an update": "update t set a = upper(a)",
    "a value of all rows": "select setval('s', (select max(id) from t))",
    "a row, with its schema": 'insert into "public"."t" values (0)',
    "a table of its rows": "create table copies as select * from t",
    "a foreign key": "alter table r add constraint k foreign key (t) references t",
    "a foreign key of a column": "alter table r add column of_t int references t",
    "a foreign key that is validated": "alter table r validate constraint r_t",
    "a foreign key in two steps": f"{LATER}; alter table r validate constraint k",
    "Alembic's foreign key": 'op.create_foreign_key("k", "r", "t", ["t"], ["id"])',
    "Alembic's rows": 'op.bulk_insert(sa.table("t", sa.column("id")), [{"id": 1}])',
}
R = """CREATE TABLE r (id int, t int);
ALTER TABLE r ADD CONSTRAINT r_t FOREIGN KEY (t) REFERENCES t NOT VALID;
ALTER TABLE r ADD CONSTRAINT r_id CHECK (id > 0) NOT VALID; ALTER TABLE r OWNER TO {owner}"""


@pytest.mark.parametrize("case", HALF_WAY)
def test_a_revision_that_would_stop_half_way_does_not_begin(case: str, place: Place) -> None:
    place.apply()
    place.all.execute("CREATE SEQUENCE s; GRANT ALL ON s TO PUBLIC")
    place.all.execute(R.format(owner=place.own.parameters["user"]).encode())
    statement = HALF_WAY[case]
    body = BLOCK + (statement if "op." in statement else f"op.execute({statement!r})")
    place.work.revision("half", body)
    with pytest.raises(DatabaseError, match=r"row security hides.*nothing was done") as caught:
        place.apply()
    assert "BYPASSRLS" in (caught.value.hint or "")
    assert place.all.execute("SELECT to_regclass('early')").fetchone() == (None,)


@pytest.mark.parametrize(
    "body",
    [
        f"{BLOCK}op.execute('analyze t')",
        f'"""Update t."""\n{BLOCK}op.execute("alter table t add c int")',
        f"{BLOCK}op.execute('set row_security = on')\nop.execute('update t set a = a')",
        f"{BLOCK}op.execute('alter table r validate constraint r_id')",
        f"{BLOCK}op.execute({LATER!r})",
        f"{BLOCK}op.execute('create table copies as select * from t with no data')",
    ],
    ids=[
        "another statement",
        "a sentence",
        "its own row_security",
        "a check",
        "a key of later rows",
        "a table without rows",
    ],
)
def test_a_revision_that_needs_no_hidden_row_is_applied(body: str, place: Place) -> None:
    place.apply()
    place.all.execute("DROP POLICY own ON t; CREATE POLICY own ON t USING (id > 0)")
    place.all.execute(R.format(owner=place.own.parameters["user"]).encode())
    place.work.revision("whole", body)
    place.apply()
    assert place.all.execute("SELECT to_regclass('early')").fetchone() == ("early",)


def test_a_role_that_row_security_does_not_hold_back_migrates(place: Place) -> None:
    place.all.execute("ALTER TABLE t NO FORCE ROW LEVEL SECURITY")
    place.apply()
    contracted(place)
    fill(place)
    place.apply()
    assert place.rows() == [ROWS, ROWS]


def test_a_revision_may_ask_for_the_rows_that_its_role_sees(place: Place) -> None:
    place.work.revision(
        "one tenant",
        'op.execute("SET LOCAL row_security = on")\n'
        "op.execute(\"SET LOCAL app.row = '11'\")\n"
        'op.execute("DELETE FROM t WHERE id > 10")',
    )
    place.apply()
    assert place.rows()[0] == ROWS - 1


def test_a_session_without_a_hint_of_its_own_has_one(place: Place) -> None:
    expected = pytest.raises(DatabaseError, match="hides rows from the role owner_")
    with expected, connect(place.own) as connection:
        connection.execute("SELECT count(*) FROM t")
