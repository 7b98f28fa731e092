"""A misspelled name gets the one that was probably meant."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from limbeck.branches import base
from limbeck.branches.base import Branch
from limbeck.cli import main
from limbeck.errors import BranchError
from limbeck.history.likely import likely
from limbeck.history.revisions import Revision
from limbeck.suggestions import meant

KNOWN = ("development", "production", "preview-12")
REVISIONS = {
    id_: Revision(id_, (), message, Path(f"{id_}_.py"))
    for id_, message in (("97dbf03d8883", "add isbn to books"), ("5f1c0e7a9b24", "add books"))
}


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("prod", "production"),
        ("produciton", "production"),
        ("preview", "preview-12"),
        ("xyz", None),
        ("", None),
    ],
)
def test_a_name_is_shortened_or_misspelled(name: str, suggestion: str | None) -> None:
    assert meant(name, KNOWN) == (f"Did you mean {suggestion}? " if suggestion else "")


def test_a_revision_is_known_by_its_id_and_by_its_message() -> None:
    assert likely("97dbf03d8838", REVISIONS, None) == "Did you mean 97dbf03d8883? "
    assert likely("isbn", REVISIONS, None) == ("Did you mean 97dbf03d8883 (add isbn to books)? ")
    assert likely("add books now", REVISIONS, None) == ""
    assert likely("haed", REVISIONS, None) == "Did you mean head? "


def test_a_missing_branch_has_a_likely_name() -> None:
    there = [Branch(name, None, datetime.now(UTC)) for name in KNOWN]
    with pytest.raises(BranchError) as caught:
        base.find(there, "producton")
    assert str(caught.value.hint).startswith("Did you mean production? The branches are: ")


@pytest.mark.parametrize(
    ("words", "suggestion"), [(["generat"], "generate"), (["branches", "lst"], "list")]
)
def test_a_misspelled_command(
    words: list[str], suggestion: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words)
    assert f"Did you mean {suggestion!r}?" in capsys.readouterr().err
