"""The stages of `generate` and `pull` tell how far they are, once they take long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from limbeck import generate, pull, stages
from limbeck.events import Event, StageProgress, StageStarted
from limbeck.generate.answers import Answers
from limbeck.postgres.connect import connect
from limbeck.sources import Live

if TYPE_CHECKING:
    from pathlib import Path

    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

ONE = "create table one (id serial primary key, a int)"
MODELS = """
Table('one', metadata, Column('id', Integer, primary_key=True), Column('c', Integer))
Table('two', metadata, Column('id', Integer, primary_key=True), Column('b', Text, index=True))
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each stage tell how far it is from the start."""
    monkeypatch.setattr(stages, "LONG", 0.0)
    monkeypatch.setattr(stages, "PAUSE", 0.0)


def progress(heard: list[Event]) -> dict[str, tuple[str, int, list[int]]]:
    """Return the stages that were announced, with their units, their totals and what they count."""
    counted: dict[str, tuple[str, int, list[int]]] = {}
    for each in heard:
        if isinstance(each, StageProgress) and not each.ended:
            counted.setdefault(each.text, (each.unit, each.total, []))[2].append(each.done)
    return {text: stage for text, stage in counted.items() if StageStarted(text) in heard}


@pytest.mark.parametrize(
    ("phased", "stage", "statements"),
    [
        # ADD, DROP, CREATE TABLE, CREATE INDEX, and what takes them back. The downgrade needs
        # several transactions: one to find out counts for nothing.
        (False, "proving the revision on the shadow", 7),
        (True, "proving both revisions on the shadow", 7),
    ],
    ids=["plain", "in phases"],
)
def test_the_proof_of_a_revision_counts_its_statements(
    phased: bool,  # noqa: FBT001 - a column of the table
    stage: str,
    statements: int,
    work: Work,
) -> None:
    work.revision("one", ONE, "drop table one")
    work.models(MODELS)
    heard: list[Event] = []
    answers = Answers(allow_drop=True, no_rename=True, phased=phased)
    generate.revision(work.project, answers=answers, listen=heard.append)
    unit, total, counts = progress(heard)[stage]
    assert (unit, total, counts[-1]) == ("statement", statements, statements)
    assert {*counts} == {*range(1, total + 1)}


def test_a_pull_counts_what_it_reads_writes_and_creates(
    work: Work, database: Database, tmp_path: Path
) -> None:
    with connect(database) as connection:
        connection.execute("CREATE TABLE one (id int primary key); CREATE TABLE two (id int)")
    heard: list[Event] = []
    pull.fresh(Live(database), tmp_path / "out.py", project=work.project, listen=heard.append)
    told = progress(heard)
    unit, total, counts = told.pop("reading the database")
    assert unit == "part"
    assert max(counts) == total
    assert told == {
        "writing the models": ("table", 2, [1, 2]),
        "proving the models on the shadow": ("table", 2, [2]),
    }
