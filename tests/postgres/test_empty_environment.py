"""A whole history in one run on an empty, protected environment: nobody waits there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from limbeck import migrate
from limbeck.engine import running
from limbeck.errors import CheckFailedError
from limbeck.events import Event, Notice
from limbeck.run import hazards

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

HISTORY = """
CREATE TYPE kind AS ENUM ('a'); CREATE TABLE users (id int PRIMARY KEY, name varchar(9), k kind)
CREATE TABLE posts (id serial PRIMARY KEY, author int REFERENCES users, body text)
INSERT INTO users SELECT g, 'u' || g, 'a' FROM generate_series(1, 99) g
ALTER TABLE users ALTER COLUMN name TYPE text, ALTER COLUMN id TYPE bigint
CREATE INDEX users_name ON users (name); CREATE UNIQUE INDEX posts_body ON posts (body)
ALTER TABLE users ADD COLUMN mail text NOT NULL DEFAULT md5(random()::text)
UPDATE users SET name = upper(name)
ALTER TABLE users ALTER COLUMN name SET NOT NULL, ADD CHECK (id > 0)
ALTER TABLE posts ADD FOREIGN KEY (author) REFERENCES users (id) ON DELETE CASCADE
ALTER TABLE users RENAME COLUMN name TO title; ALTER TABLE posts RENAME TO articles
DELETE FROM users WHERE id > 50
TRUNCATE articles
ALTER TYPE kind RENAME TO sort; ALTER TABLE users DROP COLUMN mail
CREATE VIEW all_users AS SELECT * FROM users; DROP VIEW all_users
ALTER TABLE articles ENABLE ROW LEVEL SECURITY
CLUSTER users USING users_name
DROP TABLE articles CASCADE
"""
CONCURRENTLY = """
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY posts_author ON posts (author)")
"""


INDEXED = ("create-index-blocking",)


def protected(work: Work) -> None:
    (work.project.root / "env_profiles" / "development.env").write_text("PROTECTED=yes\n")


def plan(work: Work, database: Database) -> migrate.Plan:
    return migrate.plan(work.project, work.project.profile("development"), database)


def test_tables_that_the_same_run_creates_have_no_hazards(work: Work, database: Database) -> None:
    for number, sql in enumerate(HISTORY.strip().splitlines()):
        work.revision(f"r{number}", f"op.execute({sql!r})")
        if number == 1:
            work.revision("concurrently", CONCURRENTLY)
    protected(work)
    report = hazards.look(plan(work, database))
    assert report is not None
    assert [(each.code, each.statement) for each in report.hazards] == []
    migrate.apply(plan(work, database), confirm=lambda _: True)


def test_tables_that_were_there_before_the_first_revision_have_hazards(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE users AS SELECT g AS id FROM generate_series(1, 9) g")
    work.revision("first", "create index late on users (id)")
    protected(work)
    heard: list[Event] = []
    with pytest.raises(CheckFailedError, match="fails"):
        migrate.apply(plan(work, database), confirm=lambda _: True, listen=heard.append)
    assert any("--at base" in each.text for each in heard if isinstance(each, Notice))


@pytest.mark.parametrize(
    ("sql", "codes"),
    [
        ("create index late on other (id)", ()),  # it is empty there
        ("insert into other select id from users|create index late on other (id)", INDEXED),
        ("insert into other values (1), (2)|create index late on other (id)", ()),
        ("create index late on users (id)", INDEXED),
        ("TRUNCATE users; CREATE INDEX late ON users (id)", ("truncate",)),
        ("TRUNCATE users|create index late on users (id)", ("truncate", *INDEXED)),
    ],
)
def test_the_rows_of_a_table_are_those_that_the_run_leaves_there(
    work: Work, database: Database, connection: psycopg.Connection, sql: str, codes: tuple[str, ...]
) -> None:
    work.revision("first", "create table users (id int); create table other (id int)")
    running.upgrade(work.history, connection)
    connection.execute("INSERT INTO users SELECT g FROM generate_series(1, 99) g")
    for text in sql.split("|"):
        work.revision("next", f"op.execute({text!r})")
    protected(work)
    report = hazards.look(plan(work, database))
    assert report is not None
    assert tuple(each.code for each in report.blocking) == codes
