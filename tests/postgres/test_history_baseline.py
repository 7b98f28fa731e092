"""A history whose first revision needs tables that were made by hand: replays start from a file."""

from __future__ import annotations

import json
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
        return baselines.path(self.work.history)

    def limbeck(self, *arguments: str) -> tuple[int, str, str]:
        sys.modules.pop("models", None)
        with pytest.raises(SystemExit) as caught:
            cli.main(["--project", str(self.work.project.root), *arguments])
        printed = self.capsys.readouterr()
        return int(str(caught.value.code or 0)), printed.out, printed.err

    def good(self, *arguments: str) -> str:
        code, out, err = self.limbeck(*arguments)
        assert code == 0, out + err
        return out

    def refused(self, *arguments: str) -> str:
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
        "a year", 'op.add_column("books", sa.Column("year", sa.Integer()))',
        'op.drop_column("books", "year")', imports=("import sqlalchemy as sa",),
    )
    yield Shop(work, owner, super_, capsys, make_database, monkeypatch)
    admin.execute(f"ALTER DATABASE {super_.dbname} OWNER TO CURRENT_USER".encode())
    with psycopg.connect(super_.url, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role}".encode())
    admin.execute(f"DROP ROLE {role}".encode())


def test_a_history_lives_on_from_a_baseline(shop: Shop) -> None:
    err = shop.refused("check")
    assert "limbeck baseline --from-environment NAME" in err
    code, out, err = shop.limbeck("migrate", "-e", "production", "--yes")
    print(code, out, err)
    print(shop.good("baseline", "--from-environment", "production"))
    print(shop.file.read_text())
    print(shop.limbeck("check"))
    print(shop.limbeck("check", "-e", "production"))
    print(shop.limbeck("status", "-e", "production"))
    shop.work.models(MODELS.format(more=", Column('pages', Integer)"))
    print(shop.limbeck("generate"))
    print(shop.limbeck("lint", "-e", "production"))
    print(shop.limbeck("migrate", "-e", "production", "--yes"))
    print(shop.limbeck("check", "-e", "production"))
    print(shop.limbeck("rollback", "-e", "production", "--yes"))
    print(shop.limbeck("rollback", "-e", "production", "--yes"))
    print(shop.limbeck("rollback", "-e", "production", "--to", "base", "--yes"))
    shop.another()
    print(shop.limbeck("migrate", "-e", "development", "--yes"))
    print(shop.limbeck("migrate", "-e", "development", "--yes", "--from-baseline"))
    print(shop.limbeck("check", "-e", "development"))
    print(shop.limbeck("doctor"))
    print(shop.limbeck("squash"))
    assert 0
