"""A schema for each tenant: two histories, one database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from limbeck.errors import ConfigurationError, HistoryError, NotConfirmedError
from limbeck.events import Event, Notice, StageStarted, ignore
from limbeck.generate.answers import Answers
from limbeck.output import tenant_backfills as backfills
from limbeck.output import tenants as output
from limbeck.phased.backfill import planning, running
from limbeck.phased.gates.waiting import Through
from limbeck.postgres import url as urls
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.project.project import Project
from limbeck.project.unsupported import unsupported
from limbeck.run.status import findings
from limbeck.schema.catalog import build, pipeline
from limbeck.schema.catalog.filters import Filters
from limbeck.schema.catalog.read import QUESTIONS
from limbeck.shell import for_tenant
from limbeck.tenants import creating, filling, generating, likeness, linting, migrating
from limbeck.tenants import standing as standings
from limbeck.tenants.migrating import Where
from tests.postgres.conftest import Work

NAMES = ("tenant-1", "tenant_select", "tenant 50%", "tenant_" + "x" * 56)
MODELS = """
plans = Table("plans", metadata, Column("id", Integer, primary_key=True), schema="shared")
users = Table(
    "users", metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("plan", ForeignKey("shared.plans.id"), nullable=False),
)
notes = Table(
    "notes", metadata,
    Column("id", Integer, primary_key=True),
    Column("author", ForeignKey("users.id"), nullable=False),
    Column("text", Text, server_default="none"),
)
"""
AGE = "users.append_column(Column('age', Integer))\n"


@dataclass(frozen=True)
class Tenants:
    """A project with tenants, its environment, and a session on its database."""

    work: Work
    database: Database
    session: psycopg.Connection

    def models(self, more: str = "") -> None:
        """Write the models."""
        self.work.models(MODELS + more)
        sys.modules.pop("models", None)

    def generate(self) -> generating.Parts:
        """Write the revisions."""
        return generating.revisions(self.work.project, listen=ignore)

    @property
    def where(self) -> Where:
        """The environment."""
        return Where(self.work.project, self.work.profile, self.database)

    def migrate(self, **options: object) -> migrating.TenantsReport:
        """Migrate all of it."""
        planned = migrating.plan(self.where)
        return migrating.apply(self.where, planned, **options)  # type: ignore[arg-type]

    def standing(self) -> standings.Standing:
        """Return where the environment stands."""
        return standings.standing(self.work.project, self.work.profile, ignore)

    def create(self, *names: str) -> None:
        """Create empty schemas."""
        for name in names:
            self.session.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))

    def columns(self, schema: str, table: str) -> list[str]:
        """Return the columns of a table."""
        query = """SELECT column_name::text FROM information_schema.columns
            WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"""
        return [row[0] for row in self.session.execute(query, [schema, table])]

    def fill(self, *names: str) -> None:
        """Insert rows."""
        self.session.execute("INSERT INTO shared.plans VALUES (1) ON CONFLICT DO NOTHING")
        for name in names:
            for text in (
                "INSERT INTO {}.users (name, plan) SELECT 'n' || g, 1 FROM generate_series(1, 5) g",
                "INSERT INTO {}.notes (author) SELECT id FROM {}.users",
            ):
                self.session.execute(
                    sql.SQL(text.replace("{}", "{0}")).format(sql.Identifier(name))
                )


@contextmanager
def counted_objects() -> Iterator[list[int]]:
    """Count the rows of catalogs from which objects are built inside of the block."""
    count = [0]
    original = build.build

    def counting(
        server: int, filters: Filters, rows: pipeline.Answers, *rest: Any, **options: Any
    ) -> Any:
        catalog = original(server, filters, rows, *rest, **options)
        count[0] += sum(len(rows[name]) for name in QUESTIONS)
        return catalog

    build.build = counting
    try:
        yield count
    finally:
        build.build = original


@pytest.fixture
def tenants(work: Work, database: Database, connection: psycopg.Connection) -> Tenants:
    path = work.project.root / "pyproject.toml"
    path.write_text(f'{path.read_text()}tenants = "tenant*"\ntemplate = "template"\n')
    project = Project.find(work.project.root)
    tenants = Tenants(Work(project, work.history), database, connection)
    tenants.models()
    return tenants


def test_the_shared_part_runs_once_and_each_tenant_has_its_own(tenants: Tenants) -> None:
    first = tenants.generate()
    assert first.shared is not None
    assert first.shared.revision is not None
    assert first.tenants.revision is not None
    assert "public" not in first.tenants.revision.path.read_text()
    assert first.tenants.revision.across == (first.shared.revision.id,)
    tenants.create(*NAMES)
    report = tenants.migrate()
    assert report.failures == {}
    tenants.fill(*NAMES)
    tenants.models(AGE)
    tenants.generate()
    report = tenants.migrate()
    assert report.failures == {}
    for name in NAMES:
        assert "age" in tenants.columns(name, "users")
    assert tenants.migrate().migrated == {}


def test_status_reads_one_of_the_tenants_that_are_alike(tenants: Tenants) -> None:
    tenants.generate()
    tenants.create(*NAMES)
    tenants.migrate()
    project, profile = tenants.work.project, tenants.work.profile
    standing = standings.standing(project, profile, ignore)
    assert standing.problem is None
    assert [each.tenants for each in standing.alike] == [tuple(sorted(NAMES))]
    assert standing.shared is not None
    assert standing.shared.clean
    assert standing.alike[0].status.clean
    assert standing.alike[0].status.drift == ()
    assert standings.check(project, [profile], ignore) == ()
    # One drifts, and is named by itself.
    tenants.session.execute('CREATE INDEX by_hand ON "tenant-1".users (name)')
    drifted = standings.standing(project, profile, ignore).alike
    assert [each.tenants for each in drifted if each.status.drift] == [("tenant-1",)]
    (finding,) = standings.check(project, [profile], ignore)
    assert (finding.kind, finding.environment) == ("drift", "development, tenant-1")


def test_catalogs_that_nobody_has_written_are_not_hashed_again(
    tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants.generate()
    tenants.create(*NAMES)
    tenants.migrate()
    hashed: list[int] = []
    original = likeness.alike
    monkeypatch.setattr(
        likeness, "alike", lambda *rest, **more: hashed.append(1) or original(*rest, **more)
    )
    groups = [[each.tenants for each in tenants.standing().alike] for _ in range(2)]
    assert groups[0] == groups[1]
    assert len(hashed) == 1
    # Each of these is a change that only a row of one catalog tells.
    for change, undo in (
        ('ALTER TABLE "tenant-1".users ADD CHECK (id > 0)', "DROP CONSTRAINT users_id_check"),
        ("ALTER TABLE \"tenant-1\".users ALTER name SET DEFAULT 'x'", "ALTER name DROP DEFAULT"),
        ('COMMENT ON TABLE "tenant-1".users IS $$noted$$', None),
    ):
        hashed.clear()
        tenants.session.execute(change)
        assert ("tenant-1",) in [each.tenants for each in tenants.standing().alike]
        assert len(hashed) == 1
        if undo:
            tenants.session.execute(f'ALTER TABLE "tenant-1".users {undo}')


def test_it_says_that_a_tenant_with_many_tables_is_proved_alone(
    tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Event] = []
    alone = "a tenant has 2 tables, more than 1: proved on one"
    for limit, more, notices in ((2, "", []), (1, AGE, [alone])):
        monkeypatch.setattr("limbeck.generate.tenants.MOST_TABLES", limit)
        tenants.models(more)
        generating.revisions(tenants.work.project, listen=heard.append)
        texts = [each.text for each in heard if isinstance(each, Notice)]
        assert [text.partition(" tenant,")[0] for text in texts if "tenant has" in text] == notices
        heard.clear()


def test_a_tenant_is_a_copy_of_the_template(tenants: Tenants) -> None:
    tenants.generate()
    tenants.create("template", "tenant_1")
    tenants.migrate()
    tenants.fill("template")
    creating.create(tenants.where, "tenant-new")
    project, profile = tenants.work.project, tenants.work.profile
    standing = standings.standing(project, profile, ignore)
    assert [each.tenants for each in standing.alike] == [("template", "tenant-new", "tenant_1")]
    count = tenants.session.execute('SELECT count(*), max(id) FROM "tenant-new".notes').fetchone()
    assert count == (5, 5)
    tenants.session.execute('INSERT INTO "tenant-new".users (name, plan) VALUES (1, 1)')
    assert tenants.migrate().migrated == {}


def test_a_tenant_that_fails_stops_no_other(tenants: Tenants) -> None:
    tenants.generate()
    names = [f"tenant_{number}" for number in range(6)]
    tenants.create(*names)
    tenants.migrate()
    tenants.models(AGE)
    (written,) = (each.revision for each in tenants.generate() if each and each.revision)
    tenants.session.execute("ALTER TABLE tenant_0.users ADD age integer")
    tenants.session.execute("DROP TABLE tenant_3.users CASCADE")
    database = replace(tenants.database, lock_timeout="100ms", lock_budget="300ms")
    with connect(tenants.database, autocommit=False) as other:
        other.execute("LOCK TABLE tenant_4.users")
        where = replace(tenants.where, database=database)
        report = migrating.apply(where, migrating.plan(where), at_once=2, listen=ignore)
    assert report.migrated == {(written.id,): ["tenant_1", "tenant_2", "tenant_5"]}
    reasons = {name: error.message for name, error in report.failures.items()}
    assert sorted(reasons) == ["tenant_0", "tenant_3", "tenant_4"]
    assert 'column "age" of relation "users" already exists' in reasons["tenant_0"]
    assert 'relation "users" does not exist' in reasons["tenant_3"]
    assert "lock" in reasons["tenant_4"]
    # The next run does what is left, where it can be done now.
    tenants.session.execute("ALTER TABLE tenant_0.users DROP age")
    report = tenants.migrate()
    assert (sorted(report.migrated[written.id,]), [*report.failures]) == (
        ["tenant_0", "tenant_4"],
        ["tenant_3"],
    )


def test_work_does_not_grow_with_tenants_that_are_alike(tenants: Tenants) -> None:
    tenants.generate()
    tenants.create("tenant_1")
    tenants.migrate()
    project, profile = tenants.work.project, tenants.work.profile
    reads: list[int] = []
    for more in ((), tuple(f"tenant_{number}" for number in range(2, 9))):
        tenants.create(*more)
        tenants.migrate()
        with counted_objects() as count:
            standing = standings.standing(project, profile, ignore)
        assert len(standing.alike) == 1
        reads.append(count[0])
    assert reads[0] == reads[1] > 0


ENV_PY = """
from alembic import context
from sqlalchemy import create_engine, text

from models import metadata

engine = create_engine("postgresql+psycopg://")
with engine.connect() as connection:
    schemas = connection.execute(
        text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tenant%' ORDER BY 1")
    ).scalars().all()
    for schema in schemas:
        connection.execute(text(f'SET search_path TO "{schema}", public'))
        connection.commit()
        connection.dialect.default_schema_name = schema
        context.configure(
            connection=connection, target_metadata=metadata, version_table_schema=schema
        )
        with context.begin_transaction():
            context.run_migrations()
"""


def test_a_loop_of_env_py_is_adopted(work: Work, database: Database, connection: Any) -> None:
    """One history, an alembic_version in each schema: the settings are all that it needs."""
    work.models('Table("users", metadata, Column("id", Integer, primary_key=True))\n')
    sys.modules.pop("models", None)
    first = work.revision("users", "create table users (id serial primary key)", "drop table users")
    (work.project.root / "alembic" / "env.py").write_text(ENV_PY)
    for name in ("tenant-1", "tenant_2"):
        connection.execute(f'CREATE SCHEMA "{name}"')
        connection.execute(f'CREATE TABLE "{name}".users (id serial primary key)')
        connection.execute(
            f'CREATE TABLE "{name}".alembic_version (version_num varchar(32) NOT NULL'
            " CONSTRAINT alembic_version_pkc PRIMARY KEY)"
        )
        connection.execute(f'INSERT INTO "{name}".alembic_version VALUES (%s)', [first.id])
    assert [each for each in unsupported(work.project) if "tenant-versions" in each]
    path = work.project.root / "pyproject.toml"
    settings = 'tenants = "tenant*"\ntenant-versions = "alembic/versions"\n'
    path.write_text(f"{path.read_text()}{settings}")
    project = Project.find(work.project.root)
    assert list(unsupported(project)) == []
    tenants = Tenants(Work(project, work.history), database, connection)
    (alike,) = standings.standing(project, work.profile, ignore).alike
    assert (alike.tenants, list(findings(alike.status))) == (("tenant-1", "tenant_2"), [])
    tenants.work.models(
        'Table("users", metadata, Column("id", Integer, primary_key=True), Column("name", Text))\n'
    )
    sys.modules.pop("models", None)
    parts = tenants.generate()
    assert parts.shared is None
    assert tenants.migrate().failures == {}
    assert tenants.columns("tenant_2", "users") == ["id", "name"]


def test_an_ordinary_role_migrates_what_it_may(tenants: Tenants, admin: psycopg.Connection) -> None:
    role = f"owner_{tenants.database.dbname}"
    admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'tenants-test-login'")
    tenants.session.execute(f"GRANT CREATE ON DATABASE {tenants.database.dbname} TO {role}")
    tenants.session.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
    tenants.create("tenant-1", "tenant_2", "tenant_3")
    for name in ("tenant-1", "tenant_2"):
        tenants.session.execute(f'GRANT USAGE, CREATE ON SCHEMA "{name}" TO {role}')
    tenants.generate()
    parameters = {**urls.parse(tenants.database.url), "user": role}
    url = urls.render({**parameters, "password": "tenants-test-login"})
    where = replace(tenants.where, database=replace(tenants.database, url=url))
    report = migrating.apply(where, migrating.plan(where), listen=ignore)
    assert [sorted(names) for names in report.migrated.values()] == [["tenant-1", "tenant_2"]]
    assert [*report.failures] == ["tenant_3"]
    assert "permission denied for schema tenant_3" in report.failures["tenant_3"].message
    creating.create(where, "tenant_4")
    assert "plan" in tenants.columns("tenant_4", "users")
    tenants.session.execute(f"DROP OWNED BY {role} CASCADE")
    admin.execute(f"DROP ROLE {role}")


def test_a_run_that_is_killed_goes_on_where_it_was(tenants: Tenants) -> None:
    tenants.generate()
    names = [f"tenant_{number}" for number in range(8)]
    tenants.create(*names)

    def killed(event: Event) -> None:
        if isinstance(event, StageStarted):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tenants.migrate(listen=killed)
    # As after kill -9 in the middle: some are done, one has what its transaction rolled back.
    for name in names[:3]:
        migrating.apply(tenants.where, migrating.plan(tenants.where, only=[name]), listen=ignore)
    planned = migrating.plan(tenants.where)
    assert sorted(len(each.group.tenants) for each in planned.groups) == [3, 5]
    report = migrating.apply(tenants.where, planned, listen=ignore)
    assert [sorted(done) for done in report.migrated.values()] == [names[3:]]
    assert report.unchanged == 3
    query = "SELECT count(*), count(DISTINCT tenant) FROM limbeck_state.tenant_ledger"
    assert tenants.session.execute(query).fetchone() == (8, 8)


def test_a_shared_table_is_dropped_after_the_tenants_have_left_it(tenants: Tenants) -> None:
    tenants.generate()
    tenants.create(*NAMES)
    tenants.migrate()
    left = MODELS.replace(
        '    Column("plan", ForeignKey("shared.plans.id"), nullable=False),\n', ""
    )
    tenants.work.models(left.replace('plans = Table("plans"', 'plans = Table("offers"'))
    sys.modules.pop("models", None)
    answers = Answers(allow_drop=True, no_rename=True)
    parts = generating.revisions(tenants.work.project, answers=answers, listen=ignore)
    assert parts.shared is not None
    assert parts.shared.revision is not None
    assert parts.tenants.revision is not None
    assert parts.shared.revision.across == (parts.tenants.revision.id,)
    planned = migrating.plan(tenants.where)
    assert planned.later is not None
    assert planned.later.id == parts.shared.revision.id
    assert migrating.apply(tenants.where, planned, listen=ignore).failures == {}
    assert tenants.columns("shared", "plans") == ["id"]
    assert tenants.migrate().failures == {}
    assert tenants.columns("shared", "plans") == []
    assert tenants.columns("shared", "offers") == ["id"]
    assert tenants.columns(NAMES[0], "users") == ["id", "name"]


@pytest.mark.parametrize(
    ("hint", "wanted"),
    [
        ("Run `limbeck repair -e dev 1a2b`.", "Run `limbeck repair -e dev --tenant 'a b' 1a2b`."),
        (
            "limbeck backfill -e dev label, then limbeck migrate -e dev --contract",
            "limbeck backfill -e dev label, then limbeck migrate -e dev --contract",
        ),
        ("limbeck rollback -e dev --tenant x", "limbeck rollback -e dev --tenant x"),
        ("limbeck pull -e dev", "limbeck pull -e dev"),
    ],
)
def test_a_hint_names_the_tenant_that_it_is_about(hint: str, wanted: str) -> None:
    assert for_tenant(hint, "a b", alone=False) == wanted
    assert for_tenant(wanted, "a b", alone=False) == wanted


def test_an_interrupted_tenant_is_named_in_what_ends_it(tenants: Tenants) -> None:
    tenants.generate()
    tenants.create(*NAMES)
    tenants.migrate()
    tenants.session.execute(
        "INSERT INTO limbeck_state.tenant_ledger (tenant, id, revision, action)"
        " VALUES (%s, 99, 'feedfeedfeed', 'upgrade')",
        ["tenant 50%"],
    )
    finding = next(
        each
        for each in standings.check(tenants.work.project, [tenants.work.profile], ignore)
        if each.kind == "interrupted"
    )
    command = "limbeck repair -e development --tenant 'tenant 50%' feedfeedfeed --forget"
    assert finding.environment == "development, tenant 50%"
    assert command in str(finding.hint)
    assert command in output.standing_text([tenants.standing()])


def test_lint_judges_what_is_pending_for_the_tenants(tenants: Tenants) -> None:
    tenants.generate()
    tenants.create(*NAMES)
    tenants.migrate()
    tenants.fill(*NAMES)
    tenants.models("users.append_column(Column('age', Integer, nullable=False))\n")
    written = generating.revisions(
        tenants.work.project, answers=Answers(), listen=ignore
    ).tenants.revision
    assert written is not None
    project, profile = tenants.work.project, tenants.work.profile
    for report in (
        linting.pending(project, profile, tenants.database, ignore),
        linting.named(project, None, [written.id[:6]], None, ignore),
    ):
        assert [each.id for each in report.revisions] == [written.id]
        assert [each.revision for each in report.blocking] == [written.id] * len(report.blocking)
        assert report.blocking
    with pytest.raises(HistoryError):
        linting.named(project, None, ["feedfeed"], None, ignore)


def test_a_change_in_phases_goes_through_all_tenants(tenants: Tenants) -> None:
    tenants.generate()
    tenants.create(*NAMES)
    tenants.migrate()
    tenants.fill(*NAMES)
    tenants.work.models(MODELS.replace('Column("name", Text', 'Column("title", Text'))
    sys.modules.pop("models", None)
    answers = Answers(phased=True, renames=["public.users.name:public.users.title"])
    generating.revisions(tenants.work.project, answers=answers, listen=ignore)

    def migrate(through: Through) -> migrating.TenantsReport:
        where = replace(tenants.where, through=through)
        report = migrating.apply(where, migrating.plan(where), listen=ignore)
        assert report.failures == {}
        return report

    def titles(tenant: str) -> list[str | None]:
        query = sql.SQL("SELECT title FROM {}.users ORDER BY id").format(sql.Identifier(tenant))
        return [row[0] for row in tenants.session.execute(query)]

    migrate("expand")
    for name in NAMES:  # as the application of before writes
        insert = sql.SQL("INSERT INTO {}.users (name, plan) VALUES ('late', 1)")
        tenants.session.execute(insert.format(sql.Identifier(name)))
    assert titles(NAMES[0]) == [None] * 5 + ["late"]

    # Each tenant ends the change when its own rows are filled in.
    running.run(planning.plan(*tenants.where.of(NAMES[0])), confirm=lambda _: True, listen=ignore)
    planned = filling.plan(tenants.where)
    assert sorted(planned.tenants) == sorted(NAMES[1:])
    assert [[*names] for names in migrate("contract").migrated.values() if names] == [[NAMES[0]]]
    assert "name" not in tenants.columns(NAMES[0], "users")
    assert {"name", "title"} <= {*tenants.columns(NAMES[1], "users")}

    report = filling.run(planned, confirm=lambda _: True, listen=ignore)
    assert report.failures == {}
    assert {name: each.filled[0].changed for name, each in report.filled.items()} == dict.fromkeys(
        planned.tenants, 5
    )
    assert filling.plan(tenants.where).first is None
    migrate("contract")
    for name in NAMES:
        assert titles(name) == [f"n{number}" for number in range(1, 6)] + ["late"]
        assert "name" not in tenants.columns(name, "users")


def test_a_tenant_that_cannot_be_filled_in_stops_no_other(tenants: Tenants) -> None:
    tenants.generate()
    tenants.create(*NAMES)
    tenants.migrate()
    tenants.fill(*NAMES)
    tenants.work.models(MODELS.replace('Column("name", Text', 'Column("title", Text'))
    sys.modules.pop("models", None)
    answers = Answers(phased=True, renames=["public.users.name:public.users.title"])
    generating.revisions(tenants.work.project, answers=answers, listen=ignore)
    where = replace(tenants.where, through="expand")
    migrating.apply(where, migrating.plan(where), listen=ignore)
    check = sql.SQL("ALTER TABLE {}.users ADD CHECK (title <> 'n3')")
    tenants.session.execute(check.format(sql.Identifier(NAMES[1])))
    report = filling.run(filling.plan(where), confirm=lambda _: True, listen=ignore)
    assert [*report.failures] == [NAMES[1]]
    assert sorted(report.filled) == sorted({*NAMES} - {NAMES[1]})
    text = backfills.report_text(report)
    assert "15 rows of users in 3 tenants filled in" in text
    assert f"{NAMES[1]}: " in text
    with pytest.raises(ConfigurationError, match="no revision expands a change nothing"):
        filling.plan(where, "nothing")
    with pytest.raises(NotConfirmedError):
        filling.run(filling.plan(where), confirm=lambda _: False, listen=ignore)
