"""A history whose first revision needs tables that were made by hand: replays start from a file."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from limbeck import cli
from limbeck.history import baseline as baselines
from limbeck.postgres.database import Database
from limbeck.project.code import process
from tests.postgres.conftest import MakeWork, Work

BY_HAND = """
CREATE EXTENSION pg_trgm;
CREATE SCHEMA shelf;
CREATE TYPE shelf.mood AS ENUM ('sad', 'ok');
CREATE DOMAIN shelf.price AS numeric(9, 2) CHECK (VALUE >= 0);
CREATE SEQUENCE shelf.tickets START 100;
CREATE TABLE books (id int PRIMARY KEY, title text NOT NULL);
CREATE TABLE shelf.stock (id bigserial PRIMARY KEY, book int REFERENCES books, what text,
    cost shelf.price, feeling shelf.mood DEFAULT 'ok');
CREATE INDEX stock_trgm ON shelf.stock USING gin (what gin_trgm_ops);
CREATE VIEW shelf.cheap AS SELECT s.id, b.title FROM shelf.stock s JOIN books b ON b.id = s.book
    WHERE cost < 5;
CREATE FUNCTION shelf.priced() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.cost := coalesce(NEW.cost, 1); RETURN NEW; END';
CREATE TRIGGER priced BEFORE INSERT ON shelf.stock FOR EACH ROW EXECUTE FUNCTION shelf.priced();
INSERT INTO books VALUES (1, 'Emma'), (2, 'Ulysses');
INSERT INTO shelf.stock (book, what) VALUES (1, 'new')"""
MODELS = """
Table("books", metadata, Column("id", Integer, primary_key=True, autoincrement=False),
      Column("title", Text, nullable=False), Column("year", Integer){more})
"""
SETTINGS = 'exclude-schemas = ["shelf"]\n\n[tool.limbeck.ignore]\nextensions = ["*"]\n'


@dataclass(frozen=True)
class Shop:
    """A project with a history that starts on tables made by hand, and its production."""

    work: Work
    database: Database
    admin: Database
    capsys: pytest.CaptureFixture[str]
    make: Callable[[], Database]
    monkeypatch: pytest.MonkeyPatch

    @property
    def file(self) -> Path:
        """The baseline of the history."""
        return baselines.path(self.work.history)

    def limbeck(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command in this process; return its exit code and what it printed."""
        sys.modules.pop("models", None)
        process.end_all()  # a worker has imported them as well
        with pytest.raises(SystemExit) as caught:
            cli.main(["--project", str(self.work.project.root), *arguments])
        printed = self.capsys.readouterr()
        return int(str(caught.value.code or 0)), printed.out, printed.err

    def good(self, *arguments: str) -> str:
        """Run a command, which has to succeed; return its answer."""
        code, out, err = self.limbeck(*arguments)
        assert code == 0, out + err
        return out

    def refused(self, *arguments: str) -> str:
        """Run a command, which has to fail; return its error."""
        code, _, err = self.limbeck(*arguments)
        assert code, "not refused"
        return err

    def another(self) -> Database:
        """Point the environment `development` to an empty database."""
        database = self.make()
        self.monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", database.url)
        return database


@pytest.fixture
def shop(
    make_work: MakeWork,
    make_database: Callable[[], Database],
    admin: psycopg.Connection,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shop]:
    """The project; production belongs to an ordinary role, and has one of two revisions."""
    role, super_ = f"shop_{uuid.uuid4().hex[:8]}", make_database()
    admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'".encode())
    admin.execute(
        sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
            sql.Identifier(super_.dbname), sql.Identifier(role)
        )
    )
    url = psycopg.conninfo.conninfo_to_dict(super_.url)
    owner = Database.from_url(
        "production", f"postgresql://{role}:x@{url['host']}:{url['port']}/{super_.dbname}"
    )
    with psycopg.connect(owner.url, autocommit=True) as connection:
        connection.execute(BY_HAND)
    work = make_work()
    monkeypatch.setenv("DATABASE_URL_PRODUCTION", owner.url)
    root = work.project.root
    (root / "env_profiles" / "production.env").write_text("PROTECTED=yes\n")
    with (root / "pyproject.toml").open("a") as file:
        file.write(SETTINGS)
    work.models(MODELS.format(more=""))
    work.revision(
        "a year",
        'op.add_column("books", sa.Column("year", sa.Integer()))',
        'op.drop_column("books", "year")',
        imports=("import sqlalchemy as sa",),
    )
    yield Shop(work, owner, super_, capsys, make_database, monkeypatch)
    admin.execute(f"ALTER DATABASE {super_.dbname} OWNER TO CURRENT_USER".encode())
    with psycopg.connect(super_.url, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role}".encode())
    admin.execute(f"DROP ROLE {role}".encode())


def keep(shop: Shop, *options: str) -> str:
    return shop.good("baseline", "--from-environment", "production", *options)


def migrate(shop: Shop, *options: str, env: str = "production") -> str:
    return shop.good("migrate", "-e", env, "--yes", *options)


def test_a_history_lives_on_from_the_revision_that_a_database_is_at(shop: Shop) -> None:
    assert "limbeck baseline --from-environment NAME" in shop.refused("check")
    migrate(shop, "--allow", "fails")
    assert "2 tables of production at" in keep(shop)
    assert "No changes" in shop.good("generate")
    assert "no drift" in shop.good("check", "-e", "production")
    shop.work.models(MODELS.format(more=", Column('pages', Integer)"))
    assert "downgrade leaves no trace" in shop.good("generate")
    assert "cached-plan-invalidated" in shop.good("lint", "-e", "production")
    assert "Applied 1 revision" in migrate(shop)
    assert "no drift" in shop.good("check", "-e", "production")
    assert "Downgraded 1 revision" in shop.good("rollback", "-e", "production", "--yes")
    assert "the history starts from" in shop.refused("rollback", "-e", "production", "--yes")
    to_base = shop.refused("rollback", "-e", "production", "--to", "base", "--yes")
    assert "(a year) cannot be downgraded" in to_base
    assert f"{shop.work.history.revisions()[0].id}), read from" in shop.good(
        "doctor", "-e", "production"
    )


def test_an_empty_database_is_created_from_the_baseline_if_asked(shop: Shop) -> None:
    keep(shop, "--at", "base")
    database = shop.another()
    assert "The history starts from" in shop.good("status", "-e", "development")
    refused = shop.refused("migrate", "-e", "development", "--yes")
    assert "limbeck migrate -e development --from-baseline" in refused
    assert "Created the schema" in migrate(shop, "--from-baseline", env="development")
    assert "no drift" in shop.good("check", "-e", "development")
    assert "Nothing to do" in migrate(shop, "--from-baseline", env="development")
    with psycopg.connect(database.url) as connection:
        query = "INSERT INTO shelf.stock (what) VALUES ('x') RETURNING cost, feeling::text"
        assert connection.execute(query).fetchone() == (1, "ok")  # triggers and defaults are there
    # Where tables are already, the revisions run on them.
    assert "cached-plan-invalidated" in shop.good("lint", "-e", "production")
    assert "is not empty" in shop.refused("migrate", "-e", "production", "--from-baseline")
    migrate(shop)


def test_a_baseline_is_of_the_revision_that_was_asked_for(shop: Shop) -> None:
    refused = shop.refused("baseline", "--from-environment", "production")
    assert "--at base" in refused
    first = shop.work.history.revisions()[0].id
    refused = shop.refused("baseline", "--from-environment", "production", "--at", first)
    assert f"is at no revision, not at {first}" in refused
    assert not shop.file.exists()
    keep(shop, "--at", "base")
    assert "--force" in shop.refused("baseline", "--from-environment", "production")
    before = shop.file.read_text()
    migrate(shop)
    keep(shop, "--force")
    assert before != shop.file.read_text()
    assert not list(shop.file.parent.glob(".*baseline*"))  # renamed into place
    shop.work.revision("rows", "op.execute('SELECT 1')")
    shop.work.revision("more", "op.execute('SELECT 2')")
    assert "belongs to" in shop.refused("squash", f"{first}:head")
    assert "2 revisions" in shop.good("squash", "--force")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("-- revision: base", "-- rev"), "does not say which revision it is at"),
        (("-- revision: base", "-- revision: 4711"), "is at revision 4711, which no file in"),
        (("CREATE TYPE", "CREATE TIPE"), "does not run on an empty database: syntax error at or "),
        (("shelf.mood AS", "nowhere.mood AS"), "in CREATE TYPE nowhere.mood AS ENUM ('sad', 'ok')"),
    ],
)
def test_a_damaged_baseline_is_named(shop: Shop, edit: tuple[str, str], message: str) -> None:
    keep(shop, "--at", "base")
    assert "No changes" in shop.good("generate")
    shop.file.write_text(shop.file.read_text().replace(*edit))
    assert message in shop.refused("check")


def test_rows_may_be_added_to_a_baseline(shop: Shop) -> None:
    keep(shop, "--at", "base")
    shop.work.revision("first", "assert op.get_bind().exec_driver_sql('TABLE books').scalar_one()")
    assert "does not replay" in shop.refused("check")
    with shop.file.open("a") as file:
        file.write("INSERT INTO public.books VALUES (1, 'Emma');\n")
    assert "ok:" in shop.good("check")


def test_a_role_that_the_shadow_lacks_stops_no_replay(shop: Shop) -> None:
    keep(shop, "--at", "base")
    with shop.file.open("a") as file:
        file.write("CREATE POLICY p ON shelf.stock TO nobody_here USING (true);\n")
        file.write("COMMENT ON POLICY p ON shelf.stock IS 'for nobody';\n")
    _, out, err = shop.limbeck("check")
    assert "2 statements left out, for there is no role nobody_here here" in err
    assert "ok:" in out
    shop.another()  # on a database that lasts, nothing is left out
    refused = shop.refused("migrate", "-e", "development", "--yes", "--from-baseline")
    assert 'role "nobody_here" does not exist\n  in CREATE POLICY p ON shelf.stock' in refused


def test_revisions_of_another_branch_start_on_an_empty_database(shop: Shop) -> None:
    keep(shop, "--at", "base")
    migrate(shop)
    keep(shop, "--force")
    first = shop.work.history.revisions()[0]
    other = shop.work.revision("other", "create table apart (id int)")
    text = other.path.read_text()
    other.path.write_text(text.replace(f"down_revision = {first.id!r}", "down_revision = None"))
    sql_ = shop.good("diff", "base", other.id, "--sql")
    assert "CREATE TABLE public.apart" in sql_
    assert "books" not in sql_
    last = shop.work.revision("needs both", "create view both_ as select id from books", down=first)
    text = last.path.read_text().replace("depends_on = None", f"depends_on = {other.id!r}")
    last.path.write_text(text)
    assert "both_" in shop.good("diff", other.id, last.id, "--sql")
