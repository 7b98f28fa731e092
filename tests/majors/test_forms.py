"""Each form of a statement exists from the major on that the table says, and not before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck.postgres.embedded import binaries
from limbeck.schema.sql import forms
from limbeck.schema.sql.forms import FORMS, Form
from tests.majors.servers import REPOSITORY, programs

if TYPE_CHECKING:
    from tests.majors.conftest import Connect

OWN = binaries.major(binaries.find())
BUILT_WITHOUT = "is not supported in this build"  # ICU, in some wheels


def executed(connection: psycopg.Connection, form: Form) -> str:
    """Execute an example on a cleared ground; return the error, "" without one."""
    connection.execute("DROP SCHEMA public CASCADE")
    connection.execute("CREATE SCHEMA public")
    connection.execute("DROP PUBLICATION IF EXISTS p")
    try:
        for statement in f"{form.ground};\n{form.example}".split(";\n"):
            connection.execute(statement.encode())
    except psycopg.Error as error:
        return str(error)
    return ""


# Each server takes seconds to start, so `make test` has the run's own and the oldest one only.
MAJORS = [
    pytest.param(major, marks=() if major in {min(programs()), OWN} else pytest.mark.majors)
    for major in sorted(programs())
]


@pytest.mark.parametrize("major", MAJORS)
def test_a_form_exists_since_its_major(major: int, connect_to: Connect) -> None:
    connection = connect_to(major)
    errors = {form.name: executed(connection, form) for form in FORMS}
    testable = [form for form in FORMS if BUILT_WITHOUT not in errors[form.name]]
    accepted = {form.name for form in testable if not errors[form.name]}
    assert accepted == {form.name for form in testable if form.exists(major)}, errors


def test_the_table_covers_the_supported_majors() -> None:
    assert {form.since for form in FORMS} <= set(range(forms.OLDEST + 1, forms.NEWEST + 1))


def test_the_reference_lists_every_form_and_no_other() -> None:
    reference = (REPOSITORY / "docs" / "reference.md").read_text(encoding="utf-8")
    tables = re.findall(r"(?m)^\| form \| since \|.*\n\|[-| ]+\n((?:\|.*\n)+)", reference)
    listed = [row.split(" | ")[:2] for table in tables for row in table.splitlines()]
    rows = sorted((name.removeprefix("| "), since.removesuffix(" |")) for name, since in listed)
    assert rows == sorted((form.name, str(form.since)) for form in FORMS)
