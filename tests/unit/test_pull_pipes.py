"""Source through ruff in several processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from limbeck.errors import LimbeckError
from limbeck.models.pull.options import Options
from limbeck.models.pull.render.formatting import formatted
from limbeck.models.pull.render.modules import Home, module
from limbeck.models.pull.render.pipes import Ruff, loads
from limbeck.models.pull.render.streams import file_formatted, modules_formatted
from limbeck.models.source.text import Source


@pytest.fixture
def pieces() -> list[Source]:
    """Return classes and other statements, a lot for one process."""
    classes = (f"class A{n}:\n    x = {{'a': {n},\n  'b' : 2}}" for n in range(8000))
    imports = frozenset({"import os"}), frozenset({"import json", "from typing import Any"})
    return [
        Source(text, imports[number % 2])
        for number, one in enumerate(classes)
        for text in (one, f"y{number} = 1")
    ]


def test_what_goes_through_several_processes_comes_out_as_of_one(
    pieces: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    def made() -> str:
        return file_formatted('"""Models."""', pieces, Home(None), Options())

    several = made()
    monkeypatch.setattr("limbeck.models.pull.render.pipes._LEAST", 10**9)
    assert several == made()
    assert several.startswith('"""Models."""\n\nfrom __future__ import annotations\n\nimport json')


LONG = 10**90


@pytest.mark.parametrize("settings", ["", "[lint.isort]\nlength-sort = true\n"])
def test_modules_come_out_as_if_each_were_formatted_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    """Their imports, of which many are alike, are sorted once; `item_10s` comes after `item_2s`."""
    monkeypatch.setattr("limbeck.models.pull.render.pipes._LEAST", 1000)
    (tmp_path / "ruff.toml").write_text(settings)
    options = Options(layout="package", package="models", root=tmp_path)
    home = Home("models")
    made = {
        f"item_{n}s.py": module(
            f'"""The table item_{n}."""',
            [Source(f"class Item{n}: x = {{'a':{n} }}", frozenset(imports_of(n)))],
            home,
        )
        for n in range(24)
    }
    own = [line for n in (*range(24), LONG) for line in home.line(f"item_{n}s", f"Item{n}")]
    alone = formatted({path: one.text for path, one in made.items()}, tmp_path, "models")
    assert modules_formatted(made.items(), own, options) == alone
    assert "item_5s import Item5\n    from models.item_10s" in alone["item_3s.py"]
    assert "import (" in alone["item_4s.py"]


def imports_of(number: int) -> Iterator[str]:
    """Yield what a module imports: up to three classes, and one or the other library."""
    yield from ("base:Base", "import sqlalchemy as sa")
    yield "from decimal import Decimal" if number % 2 else "import datetime as dt"
    yield from (f"class:item_{n}s:Item{n}" for n in (10, 2, 5, LONG)[: number % 5])


def test_only_as_many_processes_as_processors_work_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with Ruff(tmp_path, ["--isolated"]) as ruff:
        first = ruff.started("format", (), "x = {'a':  1}\n" * 20_000)
        second = ruff.started("format", (), "y = 1\n")
        assert first.process.returncode == 0
        assert (first.text()[:13], second.text()) == ('x = {"a": 1}\n', "y = 1\n")


def test_a_refusal_says_what_ruff_says(tmp_path: Path) -> None:
    refusal = r"ruff format refuses the pulled models: .*parse"
    with Ruff(tmp_path, ["--isolated"]) as ruff, pytest.raises(LimbeckError, match=refusal):
        ruff.started("format", (), "x = = 1\n").text()


def test_no_part_is_left_out_of_the_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limbeck.models.pull.render.pipes._LEAST", 5)
    assert list(loads([("a", 2), ("b", 3), ("c", 9), ("d", 1)])) == [["a", "b"], ["c"], ["d"]]
