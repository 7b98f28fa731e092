"""How big batches get, and how long a backfill rests."""

from __future__ import annotations

import pytest

from limbeck.events import BackfillProgress, BackfillThrottled, BatchNotObtained, Blocker
from limbeck.logs import sentence
from limbeck.output.backfills import duration
from limbeck.phased.backfill.pace import FIRST, MOST, Load, Pace


@pytest.mark.parametrize("rate", [50, 1_000, 20_000, 300_000])
def test_batches_come_to_take_the_time_they_should(rate: int) -> None:
    pace = Pace(0.1)
    for _ in range(20):
        pace.took(pace.size / rate)
    assert pace.size == pytest.approx(rate / 10, rel=0.1)


def test_a_batch_is_at_most_twice_as_big_as_the_last_and_never_without_rows() -> None:
    pace = Pace(0.1)
    pace.took(0.000001)
    assert pace.size == 2 * FIRST
    for _ in range(50):
        pace.took(0.000001)
    assert pace.size == MOST
    for _ in range(50):
        pace.failed()
    assert pace.size == 1


def test_it_rests_the_longer_the_more_sessions_are_active() -> None:
    rests = [Load(active=active).rest(0.1) for active in (0, 1, 4, 16, 100)]
    assert rests == [0.0, 0.025, 0.1, 0.4, 0.4]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            BackfillProgress("public.t", 5, 10, 3, 2000.0, 30.0),
            "public.t: 5 of 10 rows, 2,000 rows/s, 30 s left",
        ),
        (BackfillProgress("t", 5, 10, 3, 2.0, 600.0), "t: 5 of 10 rows, 2 rows/s, 10 min left"),
        (BackfillProgress("t", 0, 10, 0), "t: 0 of 10 rows"),
        (
            BatchNotObtained("t", 1, 0.25, (Blocker(7, "app", "", "", None, ""),)),
            (
                "a batch of t did not get its locks; blocked by: pid 7 (app);"
                " a smaller one follows in 0.2 s (attempt 2)"
            ),
        ),
        (
            BackfillThrottled("t", 12.3),
            "t: waiting for the slowest replica, which lags 12 s behind",
        ),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_happens_is_said(event: BackfillProgress, text: str) -> None:
    assert sentence(event) == text


def test_a_time_is_said_as_people_say_it() -> None:
    assert [duration(one) for one in (0.2, 42, 300, 9000)] == ["0 s", "42 s", "5 min", "2.5 h"]
