"""docs/how-to/fleet.md, from top to bottom, and the commands of its jobs on other machines."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.acceptance.test_how_to_team import HOW_TO, follow
from tests.acceptance.workplace import Workplace

PAGE = HOW_TO / "fleet.md"
SHARDS = re.findall(r"limbeck fleet migrate -e shops --shard \"[^\"]+\"", PAGE.read_text("utf-8"))
NAMES = ["shop_model", *(f"shop_{name}" for name in ("ann", "bob", "cyd", "dan", "eve"))]


@pytest.fixture
def place(project: Workplace, admin: psycopg.Connection) -> Iterator[Workplace]:
    """A project on the run's server; the page's databases are dropped after it."""
    yield project
    for name in NAMES:
        admin.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def test_a_fleet_is_migrated_as_the_page_shows(place: Workplace) -> None:
    follow(PAGE, place)
    matrix, job = SHARDS
    changed = [
        place.call("sh", "-c", f"SHARD={number} JOB_COMPLETION_INDEX={number - 1}; {line}").out
        for number, line in ((1, matrix), (2, job), (3, matrix), (4, job))
    ]
    assert [text.split(":")[0] for text in changed] == ["2 databases", *["1 database"] * 3]
    assert '"state": "pending"' not in place.good("fleet", "status", "-e", "shops", "--json").out
