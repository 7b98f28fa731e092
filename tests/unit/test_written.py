"""Expressions of --value are respelled for a trigger's row by the one lexer."""

from __future__ import annotations

import pytest

from limbeck.phased.expand.values import of_row
from limbeck.phased.expand.written import tidy
from limbeck.schema.catalog.objects.address import Address

PEOPLE = Address("table", "public", "people")
COLUMNS = ("name", "last", "NAME", "ä", "a%", "shout")
CASES = {
    # what somebody writes: what the trigger has
    "name": "NEW.name",
    r"E'it\'s name ' || name": r"E'it\'s name ' || NEW.name",
    "'name' || NAME": "'name' || NEW.name",
    '"NAME" || "a%"': 'NEW."NAME" || NEW."a%"',
    "$$name$$ || $name$last$name$ || last": "$$name$$ || $name$last$name$ || NEW.last",
    "name -- and name": "NEW.name",
    "name /* name /* 'nested */ */ || last;": "NEW.name   || NEW.last",
    "name -- it's\n || last": "NEW.name  \n || NEW.last",
    r'U&"n\0061me" || U&"l!0061!+000073t" UESCAPE ' + "'!'": "NEW.name || NEW.last",
    r"U&'n\0061me' || U&'!0061' UESCAPE '!'": r"U&'n\0061me' || U&'!0061' UESCAPE '!'",
    "people.name || public.people.last": "NEW.name || NEW.last",
    '"people" . "name"': "NEW.name",
    "other.people.name": "other.people.name",
    "Ä || ä": 'Ä || NEW."ä"',
    "name::name || lower(last)": "NEW.name::name || lower(NEW.last)",
    "date 'last' - last": "date 'last' - NEW.last",
    "shout || '!'": "(upper(NEW.name)) || '!'",
}


@pytest.mark.parametrize("written", CASES)
def test_a_value_is_respelled_for_a_row(written: str) -> None:
    computed = [("shout", "upper(name)")]
    assert of_row("NEW", tidy(written, PEOPLE), COLUMNS, computed) == CASES[written]
