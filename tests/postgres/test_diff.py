"""From any schema to any other, exactly, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck.schema.catalog import difference
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.filters import EVERYTHING
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare
from limbeck.schema.diff.script import script as as_script
from limbeck.schema.diff.steps import Step
from limbeck.schema.renames import parse
from limbeck.schema.sql import forms
from tests.postgres.cases import (
    bodies,
    constraints,
    dependants,
    found,
    names,
    partitions,
    tables,
    types,
    views,
)
from tests.postgres.cases import renames as answered
from tests.postgres.cases.case import Case

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.schema.renames.rename import Rename

MODULES = (
    bodies,
    tables,
    constraints,
    types,
    views,
    partitions,
    dependants,
    found,
    names,
    answered,
)
CASES = [case for module in MODULES for case in module.CASES]
COUNTS = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""


def connect(database: Database) -> psycopg.Connection:
    return psycopg.connect(database.url, autocommit=True)


def load(connection: psycopg.Connection, text: str) -> None:
    """Create a schema; skip the test if the server's major has no such schema."""
    major = connection.info.server_version // 10000
    try:
        connection.execute(text.encode())
    except psycopg.Error as error:
        if major >= forms.NEWEST:
            raise
        pytest.skip(f"Postgres {major}: {error.diag.message_primary}")


def read_undone(connection: psycopg.Connection, text: str) -> Catalog:
    """Return what SQL makes in an empty database, which is empty again afterwards."""
    with connection.transaction(force_rollback=True):
        load(connection, text)
        return read(connection)


def carry_out(connection: psycopg.Connection, steps: Iterable[Step]) -> None:
    """Run steps as the script does: in transactions, but for those outside."""
    for outside, group in groupby(steps, key=lambda step: step.outside):
        with connection.cursor() as cursor:
            cursor.execute("" if outside else "BEGIN")
            cursor.execute("SET check_function_bodies = off")
            for step in group:
                cursor.execute(step.sql.encode())
            cursor.execute("" if outside else "COMMIT")


def counts(connection: psycopg.Connection) -> dict[str, int]:
    names = [name for (name,) in connection.execute(COUNTS)]
    return {
        name: connection.execute(f"SELECT count(*) FROM ONLY {name}".encode()).fetchone()[0]
        for name in names
    }


def differences(one: Catalog, other: Catalog) -> list[str]:
    return [
        f"{change.address}:\n  {change.before}\n  {change.after}"
        for change in one.changes_to(other)
    ]


def whole(
    before: Catalog, after: Catalog, answers: Sequence[Rename], monkeypatch: pytest.MonkeyPatch
) -> tuple[Step, ...]:
    """Return the steps as they are where nothing is left out of the catalogs."""
    with monkeypatch.context() as patch:
        patch.setattr(compare, "sliced", lambda left, right, _changes: (left, right))
        return compare.steps(before, after, answers)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_steps_lead_to_the_wanted_schema_and_back(
    case: Case, database: Database, empty: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = read_undone(empty, case.after)
    with connect(database) as connection:
        load(connection, case.before + case.rows)
        before, since = read(connection), difference.mark(connection)
        answers, idle = parse.answers(case.renames, before, after)
        assert not idle
        steps = compare.steps(before, after, answers)
        script, rows = as_script(steps), counts(connection)
        carry_out(connection, steps)
        changed = read(connection)
        assert differences(changed, after) == []
        assert compare.steps(changed, after) == ()
        reread = difference.read_changed(connection, before, since, filters=EVERYTHING)
        assert (differences(reread, changed), reread.depends) == ([], changed.depends)
        assert steps == whole(before, after, answers, monkeypatch)
        for text in case.says:
            assert text in script
        for text in case.never:
            assert text not in script
        if not case.renames:
            left = counts(connection)
            assert {name: n for name, n in left.items() if name in rows} == {
                name: n for name, n in rows.items() if name in left
            }
        for question, answer in case.holds:
            assert connection.execute(question.encode()).fetchone() == (answer,)
        if case.back:
            carry_out(connection, compare.steps(changed, before))
            back = difference.read_changed(connection, before, since, filters=EVERYTHING)
            assert differences(read(connection), before) == differences(back, before) == []
