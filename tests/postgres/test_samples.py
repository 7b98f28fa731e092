"""The values that a question about a rename shows: few, short, and none of a protected database."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from limbeck.generate.samples import Samples
from limbeck.schema.catalog.objects.address import Address

if TYPE_CHECKING:
    import psycopg

    from tests.postgres.conftest import Work

ROWS = """
create table people (id int generated always as identity, "Last" text, n numeric);
insert into people ("Last", n)
    select (array['Smith', 'O''Brien', repeat('x', 90), null])[1 + number % 4], 1.5
    from generate_series(1, 80) number;
"""
LAST = Address("column", "public", "people", "Last")


def test_some_values_are_shown_as_sql_spells_them(
    work: Work, connection: psycopg.Connection
) -> None:
    connection.execute(ROWS)
    samples = Samples(work.project, work.profile)
    assert sorted(samples.of(LAST)) == ["'O''Brien'", "'Smith'", f"'{'x' * 23}…'"]
    assert samples.of(LAST._replace(part="n")) == ["'1.5'"]


@pytest.mark.parametrize(
    "address",
    [LAST._replace(part="gone"), LAST._replace(name="gone"), LAST._replace(kind="table", part="")],
)
def test_what_the_database_does_not_have_has_no_values(
    address: Address, work: Work, connection: psycopg.Connection
) -> None:
    connection.execute(ROWS)
    samples = Samples(work.project, work.profile)
    assert samples.of(address) == []
    assert samples.of(LAST)  # and the next question is still answered


@pytest.mark.parametrize(
    ("also", "values"),
    [
        ("grant select on people to {role}", 3),
        ("", 0),
        ("grant select on people to {role}; alter table people enable row level security", 0),
    ],
)
def test_an_ordinary_role_shows_what_it_may_read(
    also: str,
    values: int,
    work: Work,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    role = f"reader_{uuid.uuid4().hex[:12]}"
    connection.execute(
        (ROWS + "create table free as select id, 'x'::text as t from people").encode()
    )
    connection.execute(f"create role {role} login password 'r'".encode())
    connection.execute(f"grant select on free to {role}; {also.format(role=role)}".encode())
    info = connection.info
    url = f"postgresql://{role}:r@{info.host}:{info.port}/{info.dbname}"
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", url)
    try:
        samples = Samples(work.project, work.profile)
        assert len(samples.of(LAST)) == values
        # A refusal of one table does not silence the others.
        assert samples.of(LAST._replace(name="free", part="t")) == ["'x'"]
    finally:
        connection.execute(f"drop owned by {role}; drop role {role}".encode())


def test_a_protected_environment_and_one_out_of_reach_show_nothing(
    work: Work, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute(ROWS)
    (work.project.profiles_dir / "development.env").write_text("PROTECTED=yes\n")
    assert Samples(work.project).of(LAST) == []
    (work.project.profiles_dir / "development.env").write_text("")
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", "postgresql://nobody@127.0.0.1:1/nothing")
    assert Samples(work.project).of(LAST) == []
