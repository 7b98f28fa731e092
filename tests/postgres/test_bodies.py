"""Functions whose bodies Postgres refuses when they are created: some are right all the same."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from limbeck import generate
from limbeck.errors import ProofError
from limbeck.events import Event, Notice
from limbeck.generate import Answers
from limbeck.generate.squash.squash import squash
from limbeck.sources import Replay

if TYPE_CHECKING:
    from limbeck.generate import Generated
    from tests.postgres.conftest import Work

ENTITIES = "from limbeck.entities import Function\n"
BOOKS = 'Table("books", metadata, Column("id", Integer, primary_key=True))\n'
# Each names the other: Postgres refuses the first of them, whichever that is.
BODY = "SELECT CASE WHEN n = 0 THEN {end} ELSE public.{other}(n - 1) END"
ODD = """
Function("{name}(integer)", '''CREATE FUNCTION public.{name}(n integer)
 RETURNS boolean
 LANGUAGE sql
AS $function${body}$function$''', metadata=metadata)
"""
BOTH = "".join(
    ODD.format(name=name, body=BODY.format(end=end, other=other))
    for name, end, other in (("odd", "false", "even"), ("even", "true", "odd"))
)
WRONG = '''
Function("forgotten()", """CREATE FUNCTION public.forgotten()
 RETURNS bigint
 LANGUAGE sql
AS $function$SELECT count(*) FROM public.{table}$function$""", metadata=metadata)
'''
UNCHECKED = "SET LOCAL check_function_bodies = off"


def made(work: Work, source: str, answers: Answers | None = None) -> tuple[Generated, str]:
    """Generate a revision for models; return its text and what was told, too."""
    told: list[Event] = []
    sys.modules.pop("models", None)
    work.models(ENTITIES + BOOKS + source)
    found = generate.revision(work.project, answers=answers or Answers(), listen=told.append)
    return found, "\n".join(one.text for one in told if isinstance(one, Notice))


def text(found: Generated) -> str:
    return found.path.read_text(encoding="utf-8") if found.path else ""


def functions(work: Work) -> list[str]:
    """The functions that the history makes."""
    found = Replay(work.project, "head", work.profile).catalog().objects
    return [address.name for address in found if address.kind == "function"]


def test_a_function_may_name_what_comes_later(work: Work) -> None:
    found, told = made(work, BOTH)
    assert UNCHECKED in text(found)
    assert told == ""
    assert functions(work) == ["even(integer)", "odd(integer)"]


@pytest.mark.thorough
def test_a_change_in_phases_may_bring_one(work: Work) -> None:
    made(work, 'Table("t", metadata, Column("id", Integer, primary_key=True), Column("a", Text))\n')
    answers = Answers(phased=True, renames=["public.t.a:public.t.b"])
    after = 'Table("t", metadata, Column("id", Integer, primary_key=True), Column("b", Text))\n'
    found, _ = made(work, after + BOTH, answers)
    assert UNCHECKED in "".join(path.read_text() for path in work.history.folder.glob("*.py"))
    assert found.expand is not None
    assert functions(work) == ["even(integer)", "odd(integer)"]


@pytest.mark.thorough
def test_a_function_that_is_as_usual_is_looked_at(work: Work) -> None:
    found, _ = made(work, WRONG.format(table="books"))
    assert UNCHECKED not in text(found)
    assert functions(work) == ["forgotten()"]


def test_a_function_that_is_wrong_in_the_end_is_refused_by_name(work: Work) -> None:
    with pytest.raises(ProofError) as caught:
        made(work, WRONG.format(table="gone"))
    assert caught.value.message.splitlines()[1:] == [
        '  function public.forgotten(): relation "public.gone" does not exist'
    ]
    assert list(work.history.revisions()) == []


def test_one_that_a_database_has_is_kept_and_told_of(work: Work) -> None:
    found, told = made(work, WRONG.format(table="gone"), Answers(any_body=True))
    assert text(found).count(UNCHECKED) == 1
    assert "function public.forgotten() is kept as it is" in told
    # From now on it is the history's: nobody is stopped by it.
    later, told = made(work, WRONG.format(table="gone") + 'Table("more", metadata)\n')
    assert (UNCHECKED in text(later), told) == (False, "")
    gone, _ = made(work, 'Table("more", metadata)\n')
    assert UNCHECKED in text(gone).partition("def downgrade")[2]
    new = squash(work.project, force=True, last=later.revision.id if later.revision else "")
    assert UNCHECKED in new.text
