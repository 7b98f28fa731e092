"""Source through ruff in several processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from limbeck.errors import LimbeckError
from limbeck.pull.pipes import piped, run

FORMAT = ["format", "--isolated", "-"]


def test_what_goes_through_several_processes_comes_out_as_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    blocks = [f"class A{n}:\n    x = {{'a': {n},\n  'b' : 2}}\ny{n} = 1" for n in range(8000)]
    whole = run(tmp_path, FORMAT, "\n\n".join(blocks))
    assert f"{piped(tmp_path, FORMAT, blocks)}\n" == whole


def test_a_refusal_says_what_ruff_says(tmp_path: Path) -> None:
    with pytest.raises(LimbeckError, match=r"ruff format refuses the pulled models: .*parse"):
        piped(tmp_path, FORMAT, ["x = = 1"])
