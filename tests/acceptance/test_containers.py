"""The workflow on a Postgres in a container, which every URL names: nothing is embedded.

LIMBECK_TEST_IMAGE is the image; whichever major it has, the shadow has the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from limbeck.postgres.embedded import binaries
from tests.acceptance.test_workflow import environments, go_through
from tests.acceptance.workplace import Workplace

pytestmark = pytest.mark.docker

IMAGE = os.environ.get("LIMBECK_TEST_IMAGE", "postgres:18")
VARIABLES = {
    "DATABASE_URL_DEVELOPMENT": "development",
    "DATABASE_URL_PRODUCTION": "production",
    "SHADOW_DATABASE_URL": "postgres",
}


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    """The URL of a server in a container, up to the database's name."""
    from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415 - needs Docker

    with PostgresContainer(IMAGE, driver=None) as started:
        host = started.get_container_host_ip()
        if host not in {"localhost", "127.0.0.1"}:
            # Nothing is said in plain text to another machine, and the image has no certificate.
            pytest.skip(f"containers answer at {host}, not here; TESTCONTAINERS_HOST_OVERRIDE says")
        yield started.get_connection_url().rpartition("/")[0]


@pytest.fixture
def contained(empty_project: Workplace, container: str) -> Iterator[Workplace]:
    """A project whose URLs come from the process environment only, each naming the container."""
    for profile in (empty_project.root / "env_profiles").glob("*.env"):
        lines = profile.read_text().splitlines(keepends=True)
        profile.write_text("".join(line for line in lines if not line.startswith("DATABASE_URL")))
    with psycopg.connect(f"{container}/postgres", autocommit=True) as connection:
        for name in ("development", "production"):
            connection.execute(f"CREATE DATABASE {name}")
        urls = {variable: f"{container}/{name}" for variable, name in VARIABLES.items()}
        yield replace(empty_project, variables={**empty_project.variables, **urls})
        for name in ("development", "production"):
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_guides_workflow_in_a_container(contained: Workplace) -> None:
    go_through(contained, "--yes")
    contained.good("psql", "--", "-qc", "ALTER TABLE books ADD COLUMN price numeric(8, 2)")
    stand = environments(contained)
    assert stand["production"]["clean"]
    assert [change["object"] for change in stand["development"]["drift"]] == [
        "column public.books.price"
    ]
    assert contained.run("check", "-e", "development").code == 3
    assert not (contained.root / ".limbeck" / "server").exists()


def test_a_database_of_another_major_is_compared_on_a_server_of_its_major(
    contained: Workplace, container: str
) -> None:
    """It is another container, unless programs of this major are installed."""
    with psycopg.connect(f"{container}/postgres") as connection:
        theirs = connection.info.server_version // 10000
    if theirs == (ours := binaries.major(binaries.find())):
        pytest.skip(f"{IMAGE} has the major of the embedded Postgres, {ours}")
    contained.good("migrate")
    variables = {**contained.variables, "SHADOW_DATABASE_URL": "local"}
    embedded = replace(contained, variables=variables)
    try:
        stand = json.loads(embedded.good("status", "--json").out)["environments"]
        assert [each["drift"] for each in stand] == [[], []]
        report = json.loads(embedded.run("doctor", "--json").out)["environments"]
        assert {each["shadow_major"] for each in report} == {theirs}
    finally:
        embedded.run("local", "stop")
