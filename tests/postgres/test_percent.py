"""Names with percent signs, which a driver takes for placeholders, in all that limbeck does."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import limbeck
from limbeck import backfill, generate, migrate
from limbeck.errors import MigrationError
from limbeck.lint import linting

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

MODELS = """
from sqlalchemy import *
metadata = MetaData()
Table("growth%", metadata, Column("id%", Integer, primary_key=True), {},
    CheckConstraint('"id%" % 7 >= 0', name="c%d"), Index("ix%s", "id%"))
"""
OLD = 'Column("Na%me", Text), Column("n%b", Integer), Column("r%", Integer)'
NEW = (
    'Column("nick%s", Text), Column("n%b", BigInteger),'
    'Column("r%", Integer, nullable=False, server_default="1")'
)
ROWS = 'SELECT "id%", "nick%s", "n%b", "r%" FROM "growth%" ORDER BY 1'


def migrated(work: Work, database: Database, **options: object) -> migrate.Report:
    plan = migrate.plan(work.project, work.profile, database, **options)  # type: ignore[arg-type]
    return migrate.apply(plan, confirm=lambda _: True)


def test_a_change_in_phases(work: Work, database: Database, connection: psycopg.Connection) -> None:
    (work.project.root / "old.py").write_text(MODELS.format(OLD))
    (work.project.root / "new.py").write_text(MODELS.format(NEW))
    generate.revision(replace(work.project, models="old:metadata"))
    migrated(work, database)
    connection.execute("""INSERT INTO "growth%" SELECT n, '%s', n FROM generate_series(1, 9) n""")
    answers = generate.Answers(
        allow_drop=True, phased=True, renames=['public."growth%"."Na%me":public."growth%"."nick%s"']
    )
    new = replace(work.project, models="new:metadata")
    phases = generate.revision(new, answers=answers)
    assert phases.revision
    assert phases.expand
    migrated(work, database)
    plan = backfill.plan(work.project, work.profile, database)
    assert sum(each.wrong for each in backfill.estimate(plan)) == 27
    assert sum(each.changed for each in backfill.run(plan, confirm=lambda _: True).filled) == 9
    connection.execute('CREATE INDEX "h%" ON "growth%" ("n%b")')
    report = linting.lint(work.project, [phases.revision], database=database, profile=work.profile)
    assert report.blocking == ()
    assert len(migrated(work, database).applied) == 1
    assert connection.execute(ROWS).fetchall() == [(n, "%s", n, 1) for n in range(1, 10)]
    assert connection.execute("""SELECT to_regclass('"h%"')::text""").fetchone() == ('"h%"',)
    back = migrate.rollback_plan(work.project, work.profile, database)
    assert migrate.apply(back, confirm=lambda _: True).applied


def test_a_failing_statement_is_shown_as_it_was_written(work: Work, database: Database) -> None:
    text = """select 1 / 0 as "%", '%%', 7 % 2 """
    work.revision("fails", f"op.execute({text!r})")
    with pytest.raises(MigrationError) as caught:
        migrated(work, database)
    assert f"statement: {text.strip()}\n" in caught.value.message
    plan = migrate.plan(work.project, work.profile, database)
    assert text.strip() in plan.revisions[0].sql


def test_a_hazard_has_its_statement_as_it_was_written(work: Work) -> None:
    work.revision("base", 'create table "growth%" ("a%" int)')
    changes = work.revision("changes", 'alter table "growth%" alter "a%" type bigint')
    statements = {hazard.statement for hazard in linting.lint(work.project, [changes]).hazards}
    assert statements == {'alter table "growth%" alter "a%" type bigint'}


def interpolated(path: Path) -> list[str]:
    """Return the statements of a module that have parameters and a name put into their text."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    strings = {
        target.id: node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = []
    for node in ast.walk(module):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr not in {"execute", "executemany"} or len(node.args) < 2:
            continue
        text = node.args[0]
        while isinstance(text, ast.Call) and isinstance(text.func, ast.Attribute):
            text = text.func.value  # .encode()
        if isinstance(text, ast.Name):
            text = strings.get(text.id, text)
        parts = (part.value for part in ast.walk(text) if isinstance(part, ast.FormattedValue))
        found += [
            f"{path}:{node.lineno}: {ast.unparse(p)}" for p in parts if not escaped(p, strings)
        ]
    return found


def escaped(value: ast.expr, variables: dict[str, ast.expr]) -> bool:
    """Tell whether a value may stand in a text with parameters: a constant, or escaped."""
    if isinstance(value, ast.Name):
        value = variables.get(value.id, value)
    text = ast.unparse(value)
    return (
        text.startswith(("percent_escaped(", "assignments(", "of_users("))
        or text.lstrip("_").isupper()
    )


def test_no_name_is_put_into_the_text_of_a_query_with_parameters() -> None:
    paths = Path(limbeck.__file__).parent.rglob("*.py")
    assert [line for path in paths for line in interpolated(path)] == []
