"""Indexes and constraints of the models that Postgres refuses: named, and left out if accepted."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from limbeck import generate
from limbeck.errors import ModelsError
from limbeck.events import Event, Notice
from limbeck.generate.accepting import accept
from limbeck.history import accepted
from limbeck.run.environments import check

if TYPE_CHECKING:
    from tests.postgres.conftest import Work

HISTORY = (
    "CREATE TABLE one (id serial PRIMARY KEY, n text);"
    "CREATE TABLE two (id serial PRIMARY KEY, n text, one integer);"
    "INSERT INTO one (n) VALUES ('a'), ('a'); INSERT INTO two (n, one) VALUES ('b', 1)"
)
MODELS = (
    "Table('one', metadata, Column('id', Integer, primary_key=True), Column('n', Text))\n"
    "Table('two', metadata, Column('id', Integer, primary_key=True), Column('n', Text),"
    " Column('one', Integer){})\n"
)
LATE = "metadata.tables['two'].append_column(Column('late', Integer))"


@dataclass(frozen=True)
class Case:
    """What the second table has besides, and what `accept` calls it."""

    clause: str
    names: tuple[str, ...]


CASES = {
    "an index without columns": Case(", Index('nothing')", ("index nothing of table two",)),
    "an index on a function that is missing": Case(
        ", Index('lost', text('missing(n)'))", ("index lost of table two",)
    ),
    "a key to columns that are not unique": Case(
        ", ForeignKeyConstraint(['n'], ['one.n'])",
        ("constraint FOREIGN KEY(n) REFERENCES one (n) of table two",),
    ),
    "a key to a column of another type": Case(
        ", ForeignKeyConstraint(['n'], ['one.id'], name='other')",
        ("constraint other of table two",),
    ),
    "a check with a function that is missing": Case(
        ", CheckConstraint('missing(n)', name='lost')", ("constraint lost of table two",)
    ),
    "a key that is added when both tables are there": Case(
        ", ForeignKeyConstraint(['n'], ['one.n'], name='late', use_alter=True)",
        ("constraint late of table two",),
    ),
    "two of them beside one that is right": Case(
        ", CheckConstraint('missing(n)', name='lost'), CheckConstraint('one > 0', name='right'),"
        " ForeignKeyConstraint(['one'], ['one.n'], name='wrong')",
        ("constraint lost of table two", "constraint wrong of table two"),
    ),
}


def models(work: Work, text: str) -> None:
    work.models("from sqlalchemy import *\n" + text)
    sys.modules.pop("models", None)


def problems(work: Work) -> list[str]:
    sys.modules.pop("models", None)
    return [finding.text for finding in check(work.project, [])]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_postgres_refuses_is_left_out_once_it_is_accepted(case: Case, work: Work) -> None:
    work.revision("first", HISTORY)
    models(work, MODELS.format(case.clause))
    (problem,) = problems(work)
    assert "Postgres cannot create the models" in problem
    sys.modules.pop("models", None)
    acceptance = accept(work.project, reason="as it was")
    names = tuple(e.object for e in acceptance.added if e.attribute == accepted.REFUSED)
    assert names == case.names
    assert problems(work) == []
    assert accept(work.project).added == ()  # all of it is accepted
    models(work, MODELS.format(case.clause) + LATE)
    heard: list[Event] = []
    generated = generate.revision(work.project, listen=heard.append)
    assert [step.address.part for step in generated.steps] == ["late"]
    count = "1 object" if len(names) == 1 else f"{len(names)} objects"
    text = f"{count} of the models left out, which Postgres refuses (accepted.toml)"
    assert Notice(text) in heard


def test_an_accepted_object_that_postgres_takes_again_is_compared(work: Work) -> None:
    work.revision("first", HISTORY)
    models(work, MODELS.format(CASES["an index without columns"].clause))
    accept(work.project)
    models(work, MODELS.format(", Index('nothing', 'n')"))
    heard: list[Event] = []
    (finding,) = check(work.project, [], listen=heard.append)
    assert "index public.nothing" in finding.text
    idle = "index nothing of table two refused by Postgres applies to no difference any more"
    assert Notice(f"accepted.toml: the entry for {idle}") in heard
    sys.modules.pop("models", None)
    assert len(accept(work.project, prune=True).idle) == 1
    assert [entry.object for entry in accepted.read(work.project)] == ["index public.nothing"]


def test_another_object_that_postgres_refuses_is_an_error(work: Work) -> None:
    work.revision("first", HISTORY)
    models(work, MODELS.format(CASES["an index without columns"].clause))
    accept(work.project)
    models(work, MODELS.format(", Index('nothing'), Index('lost', text('missing(n)'))"))
    with pytest.raises(ModelsError, match=r"missing\(text\) does not exist"):
        generate.revision(work.project)


@pytest.mark.parametrize(
    ("clause", "message"),
    [
        (", Column('m', Integer, server_default='x')", "invalid input syntax"),
        (", Column('m', Integer, server_default=text('missing()'))", "does not exist"),
    ],
)
def test_a_table_is_never_left_out(work: Work, clause: str, message: str) -> None:
    work.revision("first", HISTORY)
    models(work, MODELS.format(clause))
    with pytest.raises(ModelsError, match=message):
        accept(work.project)
    assert accepted.read(work.project) == ()
