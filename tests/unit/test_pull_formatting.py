"""Formatting of pulled modules by several processes of ruff."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from limbeck.models.pull.options import Options
from limbeck.models.pull.render.formatting import formatted
from limbeck.models.pull.render.modules import Home, module
from limbeck.models.pull.render.streams import file_formatted, modules_formatted
from limbeck.models.source.ruff import RuffError, ruff
from limbeck.models.source.text import Source


@pytest.fixture
def pieces() -> list[Source]:
    """Classes and other statements, more than one process gets."""
    classes = (f"class A{n}:\n    x = {{'a': {n},\n  'b' : 2}}" for n in range(8000))
    imports = frozenset({"import os"}), frozenset({"import json", "from typing import Any"})
    return [
        Source(text, imports[number % 2])
        for number, class_ in enumerate(classes)
        for text in (class_, f"y{number} = 1")
    ]


def test_several_processes_give_the_result_of_one(
    pieces: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    def text() -> str:
        return file_formatted('"""Models."""', pieces, Home(None), Options())

    several = text()
    monkeypatch.setattr("limbeck.models.pull.render.streams._LOAD", 10**9)
    assert several == text()
    assert several.startswith('"""Models."""\n\nfrom __future__ import annotations\n\nimport json')


LONG = 10**90


@pytest.mark.parametrize("settings", ["", "[lint.isort]\nlength-sort = true\n"])
def test_modules_come_out_as_if_each_were_formatted_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    """Also when several share a process; `item_10s` comes after `item_2s`."""
    monkeypatch.setattr("limbeck.models.pull.render.streams._LOAD", 1000)
    (tmp_path / "ruff.toml").write_text(settings)
    options = Options(layout="package", package="models", root=tmp_path)
    home = Home("models")
    modules = {
        f"item_{n}s.py": module(
            f'"""The table item_{n}."""',
            [Source(f"class Item{n}: x = {{'a':{n} }}", frozenset(imports_of(n)))],
            home,
        )
        for n in range(24)
    }
    alone = formatted(modules, tmp_path, "models")
    assert modules_formatted(modules.items(), options) == alone
    assert "item_5s import Item5\n    from models.item_10s" in alone["item_3s.py"]
    assert "import (" in alone["item_4s.py"]


def imports_of(number: int) -> Iterator[str]:
    """Yield what a module imports: up to three classes, and one or the other library."""
    yield from ("base:Base", "import sqlalchemy as sa")
    yield "from decimal import Decimal" if number % 2 else "import datetime as dt"
    yield from (f"class:item_{n}s:Item{n}" for n in (10, 2, 5, LONG)[: number % 5])


def test_an_error_of_ruff_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RuffError, match=r"ruff format failed: .*parse"):
        ruff(tmp_path, ["format", "--isolated", "-"], "x = = 1\n")
