"""The phase of a revision is read from its text, and nothing of it is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from limbeck.errors import HistoryError
from limbeck.history import revisions
from limbeck.phased import phases
from limbeck.phased.phases import Backfill, Change, Phase

HEAD = 'revision = "{}"\ndown_revision = None\n'
BODY = '\n\ndef upgrade():\n    phase = "expand"\n'
EXPAND = """
phase = "expand"
change = "rename_books_published_date"
backfills = [
    {
        "table": "public.books",
        "set": {"publication_date": "published_date"},
        "where": "publication_date IS DISTINCT FROM published_date",
    }
]
"""
CONTRACT = """
phase = "contract"
change = "rename_books_published_date"
uses = ["public.books.published_date"]
"""
FILLED = Backfill(
    "public.books",
    (("publication_date", "published_date"),),
    "publication_date IS DISTINCT FROM published_date",
)


def revision(folder: Path, data: str, id_: str = "a1") -> revisions.Revision:
    path = folder / f"{id_}.py"
    path.write_text(HEAD.format(id_) + data + BODY, encoding="utf-8")
    return revisions.read(path)


def test_an_ordinary_revision_has_no_phase(tmp_path: Path) -> None:
    assert phases.of(revision(tmp_path, "")) is None


def test_a_name_that_somebody_uses_for_something_else_is_no_phase(tmp_path: Path) -> None:
    assert phases.of(revision(tmp_path, "phase = 3\n")) is None


def test_an_expand_revision_says_what_to_fill_in(tmp_path: Path) -> None:
    assert phases.of(revision(tmp_path, EXPAND)) == Phase(
        "expand", "rename_books_published_date", (FILLED,)
    )


def test_a_python_function_gives_the_columns_that_are_set(tmp_path: Path) -> None:
    data = (
        'phase = "expand"\nchange = "split"\n'
        'backfills = [{"table": "public.people", "set": ["first", "last"],'
        ' "where": "first IS NULL", "python": "app.backfills:split"}]\n'
    )
    found = phases.of(revision(tmp_path, data))
    assert found is not None
    assert found.backfills[0].columns == ("first", "last")
    assert found.backfills[0].python == "app.backfills:split"


def test_both_revisions_of_a_change_are_found(tmp_path: Path) -> None:
    expand = revision(tmp_path, EXPAND)
    contract = revision(tmp_path, CONTRACT, "b2")
    assert phases.changes([expand, revision(tmp_path, "", "c3"), contract]) == (
        Change(
            "rename_books_published_date",
            expand,
            contract,
            (FILLED,),
            ("public.books.published_date",),
        ),
    )


def test_one_change_cannot_be_expanded_twice(tmp_path: Path) -> None:
    twice = [revision(tmp_path, EXPAND), revision(tmp_path, EXPAND, "b2")]
    with pytest.raises(HistoryError, match="both expand rename_books_published_date"):
        phases.changes(twice)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('phase = "exand"\nchange = "a"\n', "phase is 'exand'"),
        ('phase = "expand"\nchange = name()\n', "change is not a literal"),
        ('phase = "expand"\nchange = "a"\nbackfills = {}\n', "backfills is not a list"),
        ('phase = "expand"\nchange = "a"\nbackfills = [{"table": "a"}]\n', "not a backfill"),
    ],
)
def test_what_cannot_be_read_is_an_error(tmp_path: Path, data: str, message: str) -> None:
    with pytest.raises(HistoryError, match=message):
        phases.of(revision(tmp_path, data))
