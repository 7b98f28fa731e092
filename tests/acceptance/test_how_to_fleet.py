"""docs/how-to/fleet.md, from top to bottom, and the commands of its jobs on other machines."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from limbeck.branches.neon.patience import Patience
from limbeck.fleet import spreading
from tests.acceptance.test_how_to_team import HOW_TO, follow
from tests.acceptance.workplace import Workplace

PAGE = HOW_TO / "fleet.md"
SHARDS = re.findall(r"limbeck fleet migrate -e shops --shard \"[^\"]+\"", PAGE.read_text("utf-8"))
# Factors and divisors with their units, and the result, as in 2,000 / 64 = 31.
TIMES = "\N{MULTIPLICATION SIGN}"
CALCULATION = re.compile(rf"([\d,]+(?: [{TIMES}/] [\d.,]+(?: ms| s)?)+) = ([\d.,]+)( s| min)?")
UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0}
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


def seconds(text: str) -> float:
    """Return a number with a unit of time, or without one."""
    number, _, unit = text.strip().partition(" ")
    return float(number.replace(",", "")) * UNITS.get(unit, 1.0)


def value(text: str) -> float:
    """Return the value of a product of numbers and times."""
    first, *others = re.split(rf" ([{TIMES}/]) ", text)
    total = seconds(first)
    for sign, factor in zip(others[::2], others[1::2], strict=True):
        total = total * seconds(factor) if sign == TIMES else total / seconds(factor)
    return total


def test_the_calculation_for_many_databases_follows_from_the_measured_figures() -> None:
    text = re.sub(r"\s*\n\s*", " ", PAGE.read_text("utf-8"))
    rows = dict(re.findall(r"\| ([^|]*?) \| ([\d,]+ ms) \|", text))
    loop, xargs, fleet = (seconds(each) for each in rows.values())
    for name, took in (("the same under", xargs), ("`limbeck fleet", fleet)):
        (share,) = re.findall(rf"\| {name}[^|]*\|[^|]*\|[^|]*\| ([\d.]+) \|", text)
        assert float(share) == pytest.approx(took / loop, rel=0.02)
    (cpu,) = re.findall(r"\| `limbeck fleet migrate` \| \d+ ms \| ([\d.]+ ms) \|", text)
    assert f"2,000 {TIMES} {cpu} = " in text
    # Neon's limit is a number of requests a minute.
    several = CALCULATION.findall(text.replace("/ 700 =", f"/ 700 {TIMES} 60 s ="))
    assert len(several) >= 5
    for product, result, unit in several:
        assert seconds(result + unit) == pytest.approx(value(product), rel=0.1), product
    patience = Patience()
    assert f"up to {patience.longest_pause:.0f} s with growing pauses" in text
    assert patience.locked == 60, "gives a request up after a minute"
    assert f"up to {spreading.MOST} databases at the same time" in text
