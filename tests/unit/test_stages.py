"""A stage tells how far it is once it takes long,."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from limbeck.cli.narrating import Narrator
from limbeck.events import Event, StageProgress
from limbeck.stages import LONG, Stage, counting

if TYPE_CHECKING:
    import pytest


def events(count: int, seconds: float, total: int = 0) -> list[Event]:
    """Return the events of a stage whose units take so many seconds each."""
    heard: list[Event] = []
    time = itertools.count(0.0, seconds)
    stage = Stage("tracing", "revision", total, heard.append, time.__next__)
    assert list(counting(stage, range(count))) == list(range(count))
    stage.end()
    return heard


def test_a_short_stage_tells_nothing() -> None:
    assert events(9, LONG / 10) == []


def test_a_long_stage_tells_how_far_it_is_and_that_it_ends() -> None:
    assert events(3, LONG, 3) == [
        *(StageProgress("tracing", done, 3, "revision") for done in (1, 2, 3)),
        StageProgress("tracing", 3, 3, "revision", ended=True),
    ]


def test_a_long_stage_does_not_tell_every_unit() -> None:
    assert 10 < len(events(10_000, 0.001)) < 100


def test_a_pipe_gets_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    Narrator()(StageProgress("tracing", 2, 4, "revision"))
    assert capsys.readouterr() == ("", "")
