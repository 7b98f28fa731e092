"""Diagrams of real schemas, and of the difference between two."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner

from limbeck.cli import group
from limbeck.errors import ConfigurationError
from limbeck.output.branches import markdown
from limbeck.output.erd.data import data
from limbeck.schema.catalog.read import read
from limbeck.schema.diagram import diagram

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from limbeck.postgres.database import Database

BEFORE = """
create table authors (id int primary key, name text not null);
create table books (
    id int primary key, author_id int not null references authors, title text, isbn text
);
create table passports (author_id int primary key references authors);
create table notes (id int);
create table logs (at date) partition by range (at);
create table logs_2026 partition of logs for values from ('2026-01-01') to ('2027-01-01');
"""
CHANGE = """
alter table books drop isbn, add editor_id int references authors, alter id type bigint;
drop table notes;
create schema shop;
create table shop.orders (id int, book bigint references books);
"""


def test_a_diagram_has_tables_keys_and_relations(connection: psycopg.Connection) -> None:
    connection.execute(BEFORE)
    drawn = data(diagram(read(connection)))
    assert [each["name"] for each in drawn["tables"]] == [
        "authors", "books", "logs", "notes", "passports"
    ]  # fmt: skip
    relations = {each["table"]: each for each in drawn["relations"]}
    assert relations["public.books"]["many"]
    assert not relations["public.books"]["optional"]
    assert not relations["public.passports"]["many"]
    books = {each["name"]: each for each in drawn["tables"][1]["columns"]}
    assert books["id"]["primary_key"]
    assert books["author_id"]["foreign_key"]
    assert {each["state"] for each in drawn["tables"]} == {"same"}


def test_the_diagram_of_two_schemas_is_their_difference(connection: psycopg.Connection) -> None:
    connection.execute(BEFORE)
    before = read(connection)
    connection.execute(CHANGE)
    drawn = data(diagram(read(connection), before))
    assert {each["name"]: each["state"] for each in drawn["tables"]} == {
        "authors": "same",
        "books": "changed",
        "logs": "same",
        "notes": "gone",
        "orders": "new",
        "passports": "same",
    }
    books = next(each for each in drawn["tables"] if each["name"] == "books")
    states = {each["name"]: (each["state"], each["was"]) for each in books["columns"]}
    assert states == {
        "id": ("changed", "integer"),
        "author_id": ("same", None),
        "title": ("same", None),
        "isbn": ("gone", None),
        "editor_id": ("new", None),
    }
    assert {
        each["table"]: each["state"] for each in drawn["relations"] if each["state"] != "same"
    } == {
        "public.books": "new",
        "shop.orders": "new",
    }


def test_a_role_without_any_grant_sees_the_whole_diagram(
    database: Database, connection: psycopg.Connection
) -> None:
    connection.execute(BEFORE)
    role = f"reader_{database.dbname}"
    connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    user = database.url.split("//")[1].split("@")[0]
    answers = [
        CliRunner().invoke(group, ["erd", database.url.replace(user, each), "--json"])
        for each in (user, f"{role}:x")
    ]
    connection.execute(f"DROP ROLE {role}")
    assert answers[1].exit_code == 0, answers[1].output
    assert answers[0].stdout == answers[1].stdout


def test_a_comment_on_a_pull_request_has_a_diagram_of_what_has_changed(
    connection: psycopg.Connection,
) -> None:
    connection.execute(BEFORE)
    before = read(connection)
    connection.execute(CHANGE)
    after = read(connection)
    text = markdown("production", "preview/1", "ALTER TABLE ...", (before, after))
    sql, picture = text.split("```mermaid\n")
    assert sql.endswith("```sql\nALTER TABLE ...\n```\n\n")
    assert picture.startswith("erDiagram\n")
    assert "orders (new)" in picture
    assert "logs" not in picture
    assert "mermaid" not in markdown("production", "preview/1", "COMMENT ...", (after, after))


def test_the_command_draws_a_database_and_hides_its_password(
    database: Database, connection: psycopg.Connection, tmp_path: Path
) -> None:
    connection.execute(BEFORE)
    out = tmp_path / "books.html"
    answer = CliRunner().invoke(group, ["erd", database.url, "--near", "books", "--out", str(out)])
    assert answer.exit_code == 0, answer.output
    page = out.read_text()
    assert "2 tables, 1 relation" in page
    assert connection.info.password not in page
    as_json = CliRunner().invoke(group, ["erd", database.url, "--json"])
    assert len(json.loads(as_json.stdout)["tables"]) == 5
    nowhere = CliRunner().invoke(group, ["erd", database.url, "--out", "/proc/nothing.svg"])
    assert isinstance(nowhere.exception, ConfigurationError)
    assert "cannot write /proc/nothing.svg" in nowhere.exception.message
