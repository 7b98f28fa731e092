"""The generated part of docs/benchmarks.md says what the raw rows say."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
sys.path.append(str(REPOSITORY / "benchmarks"))

import charts  # noqa: E402
import document  # noqa: E402
import works  # noqa: E402
from goals import ALEMBIC, DRIZZLE, GOALS, results  # noqa: E402
from rows import Row, Rows  # noqa: E402

FOLDER = REPOSITORY / "docs" / "benchmarks"
DOCUMENT = (REPOSITORY / "docs" / "benchmarks.md").read_text("utf-8")


def row(work: str, size: int, tool: str, run: int, seconds: float) -> Row:
    return Row("abc1234", work, size, works.TABLES, tool, "1", run, seconds)


def test_the_document_says_what_the_rows_say() -> None:
    assert document.replaced(DOCUMENT, document.part(FOLDER)) == DOCUMENT


def test_the_charts_are_those_of_the_rows() -> None:
    rows = Rows.read(FOLDER / document.RAW)
    for name, (work, unit, title) in document.CHARTS.items():
        assert (FOLDER / f"{name}.svg").read_text("utf-8") == document.drawing(
            rows, work, unit, title
        )


def test_the_document_has_every_goal_with_its_size_and_aim() -> None:
    for goal in GOALS:
        assert f"| {goal.name} | " in DOCUMENT


def test_each_explanation_is_about_a_goal() -> None:
    goals = {(goal.name, size) for goal in GOALS for size in goal.aims}
    assert set(document.whys(FOLDER / document.WHY)) <= goals


def test_a_goal_is_a_ratio_within_each_round_and_the_warm_up_does_not_count() -> None:
    rows = Rows()
    for run, ours, bare, theirs in ((0, 99, 1, 1), (1, 3, 1, 2), (2, 5, 2, 1), (3, 4, 2, 4)):
        for tool, seconds in (("limbeck", ours), ("bare import", bare), (DRIZZLE, theirs)):
            rows.add([row(works.ONE, 100, tool, run, seconds)])
    result = next(result for result in results(rows) if result.size == 100)
    assert (result.value, result.ours, result.met) == (1.0, 4, True)


def test_a_goal_without_a_peers_figure_says_why() -> None:
    rows = Rows()
    rows.add([row(works.NOTHING, 10, "limbeck", 0, 0.3)])
    missing = replace(row(works.NOTHING, 10, DRIZZLE, 0, 0.0), error="cannot be installed: x")
    rows.add([missing])
    result = next(result for result in results(rows) if result.goal.work == works.NOTHING)
    assert (result.met, result.why_not) == (None, f"{DRIZZLE}: cannot be installed: x")


@pytest.mark.parametrize("quick", [True, False])
def test_every_goal_is_measured_at_its_sizes(quick: bool) -> None:  # noqa: FBT001
    measured = {
        (work.name, work.unit): set(work.quick if quick else work.sizes) for work in works.WORKS
    }
    for goal in GOALS:
        sizes = measured[goal.work, goal.unit]
        assert sizes if quick else set(goal.aims) <= sizes


def test_rows_survive_a_killed_run(tmp_path: Path) -> None:
    path = tmp_path / "raw.csv"
    first = Rows(path)
    first.add([replace(row(works.PULL, 10, ALEMBIC, 0, 0.25), error='a "quoted", odd error')])
    again = Rows.read(path)
    assert list(again) == list(first)
    again.replace(works.PULL, 10, works.TABLES)
    again.add([row(works.PULL, 10, "limbeck", 0, 1.5)])
    with path.open(newline="", encoding="utf-8") as file:
        assert [line["tool"] for line in csv.DictReader(file)] == ["limbeck"]


def test_a_chart_has_a_line_for_each_tool_that_has_figures() -> None:
    svg = charts.chart(
        "t", "tables", {"limbeck": {10: 0.5, 100: 0.6}, "Alembic": {10: 2.0}, "x": {}}
    )
    assert svg.count("<circle") == 3
    assert ">limbeck 600 ms<" in svg
    assert ">x " not in svg
    assert "prefers-color-scheme:dark" in svg
