"""Models come to a branch without a revision, and one revision holds all of it afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck import generate, migrate
from limbeck.engine import ledger, pushes
from limbeck.errors import (
    ConfigurationError,
    MigrationError,
    NotConfirmedError,
    PushedError,
    SeveralHeadsError,
)
from limbeck.events import Event, Notice
from limbeck.generate.answers import Answers
from limbeck.output.pushes import report_text
from limbeck.postgres import url
from limbeck.project.code import process
from limbeck.push import applying, planning
from limbeck.push.plan import Report
from limbeck.run.environments import check, status
from limbeck.run.status import pushed_hint
from tests.postgres.test_ledger import backend

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

BOOKS = "Table('books', metadata, Column('id', Integer, primary_key=True), Column('n', Text){})\n"
PLAIN = BOOKS.format("")
ISBN = BOOKS.format(", Column('isbn', Text, index=True)")
BASE = "CREATE TABLE books (id serial PRIMARY KEY, n text)"
PUSH = """
import sys
from pathlib import Path
from limbeck.project import urls
from limbeck.project.project import Project
from limbeck.push import applying, planning
project = Project.find(Path(sys.argv[1]))
profile = project.profile("development")
applying.push(planning.plan(project, profile, urls.database(project, profile)))
"""


@dataclass(frozen=True)
class Desk:
    """A project whose development branch has one revision and three rows, by an ordinary role."""

    work: Work
    database: Database
    connection: psycopg.Connection

    def models(self, text: str) -> None:
        """Write the models, which are imported anew."""
        self.work.models(text)
        sys.modules.pop("models", None)
        process.end_all()

    def push(self, text: str = "", **answers: object) -> Report:
        """Push these models."""
        if text:
            self.models(text)
        return applying.push(self.plan(**answers))

    def plan(self, **answers: object) -> planning.Plan:
        """Plan a push of the models as they are."""
        return planning.plan(
            self.work.project,
            self.work.profile,
            self.database,
            answers=Answers(**answers),  # type: ignore[arg-type]
        )

    def generate(self) -> str:
        """Write the revision of the models, and return its id."""
        answers = Answers(no_rename=True, allow_drop=True)
        revision = generate.revision(self.work.project, answers=answers).revision
        assert revision is not None
        return revision.id

    def migrate(self, listen: list[Event] | None = None) -> migrate.Report:
        """Apply what is pending."""
        heard = [] if listen is None else listen
        plan = migrate.plan(
            self.work.project, self.work.profile, self.database, listen=heard.append
        )
        return migrate.apply(plan, confirm=lambda _: True, listen=heard.append)

    def pushed(self) -> str | None:
        """Return what status says of pushes, and require it to agree with the ledger."""
        (state,) = status(self.work.project, [self.work.profile])
        assert state.problem is None
        if state.pushed is None:
            return None
        assert state.pushed == pushes.outstanding(ledger.read(self.connection))
        (finding,) = (
            each for each in check(self.work.project, [self.work.profile]) if each.kind == "pushed"
        )
        return finding.text

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Return what a query answers."""
        return self.connection.execute(query.encode()).fetchall()


@pytest.fixture
def desk(
    work: Work,
    database: Database,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Desk]:
    role = f"pusher_{database.dbname}"
    connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'".encode())
    connection.execute(f"GRANT CREATE ON DATABASE {database.dbname} TO {role}".encode())
    connection.execute(f"GRANT CREATE, USAGE ON SCHEMA public TO {role}".encode())
    login = url.render({**database.parameters, "user": role, "password": "x"})
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", login)
    work.revision("base", BASE)
    desk = Desk(work, replace(database, url=login), connection)
    desk.models(PLAIN)
    desk.migrate()
    connection.execute("INSERT INTO books (n) VALUES ('a'), ('b'), ('b')")
    yield desk
    sys.modules.pop("models", None)
    connection.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}".encode())


def test_models_are_pushed_and_one_revision_holds_all_of_it(desk: Desk) -> None:
    (base,) = desk.work.history.heads()
    assert desk.push(ISBN).plan.push.message == "add isbn to books"
    assert desk.push(ISBN.replace("index=True", "index=True, server_default='-'")).plan.steps
    assert desk.push().plan.steps == ()
    assert desk.push().plan.tables == 1
    assert desk.rows("SELECT count(*), count(isbn) FROM books") == [(3, 0)]
    text = f"pushed, 3 statements since {base.id}: + column public.books.isbn, "
    assert desk.pushed() == f"{text}+ index public.ix_books_isbn"
    assert len(desk.work.history.revisions()) == 1

    head = desk.generate()
    assert desk.push().plan.steps == ()
    report = desk.migrate()
    assert report.recorded
    assert report.current == (head,)
    assert desk.pushed() is None
    assert check(desk.work.project, [desk.work.profile]) == ()
    assert desk.migrate().applied == ()


def test_the_ledger_says_what_was_pushed_when_and_by_whom(desk: Desk) -> None:
    (base,) = desk.work.history.heads()
    plan = desk.push(ISBN).plan
    query = "SELECT revision, action, message, steps, sql, file, role FROM limbeck_state.ledger"
    (row,) = desk.rows(f"{query} WHERE finished IS NOT NULL ORDER BY id DESC LIMIT 1")
    sql = (
        "ALTER TABLE public.books ADD COLUMN isbn text;\n"
        "CREATE INDEX CONCURRENTLY ix_books_isbn ON public.books USING btree (isbn);\n"
    )
    role = f"pusher_{desk.database.dbname}"
    about = (f"push@{base.id}", "push", "add isbn to books", 2, sql)
    assert row == (*about, plan.push.fingerprint, role)


def test_the_next_command_writes_into_the_history_of_the_environment(desk: Desk) -> None:
    report = desk.push(ISBN)
    assert report_text(report).endswith("write one when it is right: limbeck generate")
    own = replace(desk.work.profile, versions=desk.work.project.script_location / "versions")
    there = replace(report, plan=replace(report.plan, profile=own))
    assert report_text(there).endswith("limbeck generate -e development")
    for profile, write in ((desk.work.profile, "generate"), (own, "generate -e development")):
        (state,) = status(desk.work.project, [profile])
        then = "then limbeck migrate -e development"
        assert pushed_hint(state) == f"When the models are right: limbeck {write}, {then}"


def test_a_push_back_to_the_revisions_leaves_nothing_pushed(desk: Desk) -> None:
    desk.push(ISBN)
    assert desk.push(PLAIN, allow_drop=True).plan.push.restores
    assert desk.pushed() is None
    assert pushes.outstanding(ledger.read(desk.connection)) is None
    desk.push(ISBN)
    assert "pushed, 2 statements since" in (desk.pushed() or "")


def test_losses_and_renames_are_asked_about_as_by_generate(desk: Desk) -> None:
    desk.models(PLAIN.replace("'n'", "'title'"))
    with pytest.raises(NotConfirmedError, match=r"rename.*nothing was changed"):
        desk.plan()
    desk.push(renames=["public.books.n:public.books.title"])
    assert desk.rows("SELECT title FROM books ORDER BY id") == [("a",), ("b",), ("b",)]
    desk.models("Table('books', metadata, Column('id', Integer, primary_key=True))")
    with pytest.raises(NotConfirmedError, match="loses data; nothing was changed"):
        desk.plan()
    heard: list[object] = []
    with pytest.raises(NotConfirmedError):
        desk.plan(ask_loss=heard.append)
    assert heard == [["the values of public.books.title"]]


def test_what_cannot_be_pushed_is_refused(desk: Desk) -> None:
    desk.models(ISBN)
    protected = replace(desk.work.profile, protected=True)
    with pytest.raises(ConfigurationError, match="protected") as caught:
        planning.plan(desk.work.project, protected, desk.database)
    assert "limbeck generate" in (caught.value.hint or "")

    (base,) = desk.work.history.heads()
    rows = desk.work.revision("rows", 'op.execute("UPDATE books SET n = upper(n)")')
    with pytest.raises(
        ConfigurationError, match=rf"1 revision is pending .*\n  {rows.id}"
    ) as caught:
        desk.plan()
    assert "limbeck migrate -e development" in (caught.value.hint or "")
    desk.work.revision("other", down=base)
    with pytest.raises(SeveralHeadsError):
        desk.plan()


def test_a_push_that_fails_leaves_what_is_committed_to_the_next_one(desk: Desk) -> None:
    unique = BOOKS.format(
        ", Column('isbn', Text)) ; Index('n_once', metadata.tables['books'].c.n, unique=True"
    )
    desk.models(unique)
    with pytest.raises(MigrationError, match="the push failed") as caught:
        desk.push()
    assert "push again" in (caught.value.hint or "")
    assert ".limbeck" not in caught.value.message
    assert "interrupted" in (desk.pushed() or "")
    with pytest.raises(PushedError):
        migrate.rollback_plan(desk.work.project, desk.work.profile, desk.database)

    desk.connection.execute("DELETE FROM books WHERE id = 3")
    assert desk.push().plan.steps
    assert "interrupted" not in (desk.pushed() or "")
    desk.generate()
    assert desk.migrate().recorded
    assert ledger.read(desk.connection).entries[-1].finished is not None


def test_a_push_that_is_killed_is_finished_by_the_next_one(desk: Desk) -> None:
    desk.models(ISBN)
    with psycopg.connect(desk.database.url) as other:
        # Its snapshot makes the build of the index wait, and no lock of its own the column.
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1")
        pushing = subprocess.Popen([sys.executable, "-c", PUSH, str(desk.work.project.root)])
        pid = backend(desk.connection, "INDEX CONCURRENTLY")
        pushing.send_signal(signal.SIGKILL)
        pushing.wait(timeout=60)
        desk.connection.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    assert "pushed, 2 statements" in (desk.pushed() or "")
    assert "interrupted" in (desk.pushed() or "")
    desk.push()
    assert desk.plan().steps == ()
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_books_isbn'::regclass"
    assert desk.rows(valid) == [(True,)]
    # Killed after its last statement, before the end of the row.
    desk.connection.execute("UPDATE limbeck_state.ledger SET finished = NULL WHERE action = 'push'")
    assert "interrupted" in (desk.pushed() or "")
    assert desk.push().plan.steps == ()
    assert "interrupted" not in (desk.pushed() or "")
    desk.generate()
    assert desk.migrate().recorded
    assert desk.pushed() is None


def test_statements_for_rows_are_not_recorded_silently(desk: Desk) -> None:
    desk.push(ISBN)
    head = desk.generate()
    (path,) = desk.work.history.folder.glob(f"*{head}*")
    text = path.read_text()
    update = '    op.execute("UPDATE books SET isbn = n")\n'
    path.write_text(text.replace("\n\n\ndef downgrade", f"\n{update}\n\ndef downgrade"))
    with pytest.raises(PushedError, match="UPDATE books SET isbn = n") as caught:
        desk.migrate()
    assert f"limbeck stamp -e development {head}" in (caught.value.hint or "")
    desk.connection.execute("UPDATE books SET isbn = n")
    migrate.stamp(desk.work.project, desk.work.profile, desk.database, head, confirm=lambda: True)
    assert desk.pushed() is None


def test_what_differs_from_the_new_head_is_named_with_the_remedy(desk: Desk) -> None:
    desk.push(ISBN)
    head = desk.generate()
    # Prototyping goes on: the revision holds a part of what was pushed, and the models the rest.
    more = BOOKS.format(", Column('isbn', Text, index=True), Column('pages', Integer)")
    assert desk.push(more).plan.push.base == (head,)
    assert desk.push(more.replace("pages", "sheets"), no_rename=True, allow_drop=True)
    with pytest.raises(PushedError, match=r"books\.sheets") as caught:
        desk.migrate()
    assert "limbeck generate" in (caught.value.hint or "")
    assert not caught.value.resets
    second = desk.generate()
    assert desk.migrate().current == (second,)

    # A revision of somebody else: a reset helps, or a push of what both have.
    desk.push(more.replace("pages", "leaves"), no_rename=True, allow_drop=True)
    desk.work.revision("colleague", "CREATE TABLE authors (id int)")
    with pytest.raises(PushedError, match=r"- table public\.authors") as caught:
        desk.migrate()
    assert caught.value.resets
    assert "create its database anew" in (caught.value.hint or "")
    assert "run `limbeck push -e development` and migrate again" in (caught.value.hint or "")
    authors = "Table('authors', metadata, Column('id', Integer))\n"
    desk.push(authors + more.replace("pages", "leaves"))
    desk.generate()
    assert desk.migrate().recorded


def test_the_first_of_several_revisions_may_be_the_pushed_one(desk: Desk) -> None:
    desk.push(ISBN)
    head = desk.generate()
    last = desk.work.revision("colleague", "CREATE TABLE authors (id int)")
    with pytest.raises(PushedError) as caught:
        desk.migrate()
    assert f"limbeck migrate -e development --to {head}" in (caught.value.hint or "")
    plan = migrate.plan(desk.work.project, desk.work.profile, desk.database, to=head)
    assert migrate.apply(plan, confirm=lambda _: True).recorded
    report = desk.migrate()
    assert (report.recorded, report.current) == (False, (last.id,))


def test_a_branch_that_changed_after_the_plan_is_left_alone(desk: Desk) -> None:
    desk.models(ISBN)
    plan = desk.plan()
    desk.connection.execute("ALTER TABLE books ADD COLUMN hand int")
    with pytest.raises(MigrationError, match="changed after the push was planned"):
        applying.push(plan)
    desk.connection.execute("ALTER TABLE books DROP COLUMN hand")
    desk.push()
    head = desk.generate()
    recording = migrate.plan(desk.work.project, desk.work.profile, desk.database)
    desk.connection.execute("ALTER TABLE books ADD COLUMN hand int")
    with pytest.raises(MigrationError, match=r"changed after the plan .*books\.hand"):
        migrate.apply(recording, confirm=lambda _: True)
    assert recording.target == (head,)


def test_what_the_project_ignores_is_left_alone(desk: Desk) -> None:
    desk.connection.execute("CREATE FUNCTION ours() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    assert [step.sql for step in desk.plan().steps] == ["DROP FUNCTION public.ours()"]
    settings = desk.work.project.root / "pyproject.toml"
    settings.write_text(f'{settings.read_text()}[tool.limbeck.ignore]\nfunctions = ["public.*"]\n')
    project = type(desk.work.project).find(desk.work.project.root)
    desk.models(ISBN)
    plan = planning.plan(project, desk.work.profile, desk.database)
    applying.push(plan)
    assert desk.rows("SELECT ours()") == [(1,)]
    assert planning.plan(project, desk.work.profile, desk.database).steps == ()


def test_an_empty_branch_gets_all_of_the_models(desk: Desk) -> None:
    for path in desk.work.history.folder.glob("*.py"):
        path.unlink()
    desk.connection.execute("DROP SCHEMA limbeck_state CASCADE; DROP TABLE alembic_version, books")
    desk.push(ISBN)
    assert "since the empty database" in (desk.pushed() or "")
    head = desk.generate()
    heard: list[Event] = []
    assert desk.migrate(heard).current == (head,)
    assert [each.text for each in heard if isinstance(each, Notice)] == []
    assert desk.rows("SELECT version_num FROM alembic_version") == [(head,)]
