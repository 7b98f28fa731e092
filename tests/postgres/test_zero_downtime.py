"""The reference application in two versions, which both run while a column gets another name."""

from __future__ import annotations

import importlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from limbeck import backfill, generate, migrate, settings
from limbeck.postgres.connect import connect

if TYPE_CHECKING:
    from limbeck.migrate import Through
    from limbeck.settings import Project
    from tests.postgres.conftest import Work

REPOSITORY = Path(__file__).parents[2]
YEAR = "published_year: Mapped[int | None]"
FIRST = date(1800, 1, 1)


def version(root: Path, name: str, column: str) -> Any:
    """Write a version of the reference application and return its models."""
    for path in (REPOSITORY / "app" / "models").glob("*.py"):
        text = path.read_text(encoding="utf-8").replace("app.models", f"{name}.models")
        if path.name == "books.py":
            text = text.replace("import datetime", "import date, datetime")
            text = text.replace(YEAR, f"{column}: Mapped[date | None] = mapped_column(index=True)")
        target = root / name / "models" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return importlib.import_module(f"{name}.models")


@dataclass
class Application:
    """One version: it writes books and reads them again, until it is stopped.

    `said` is what it wrote last of each of its books; nobody else writes those. All that went
    wrong is in `failures`.
    """

    name: str
    models: Any
    column: str
    engine: sa.Engine
    said: dict[int, date | None] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    rounds: int = 0

    @contextmanager
    def running(self) -> Iterator[Application]:
        """Let it work in a thread of its own; it has to have worked when the block ends."""
        stop = threading.Event()
        thread = threading.Thread(target=self._work, args=[stop])
        thread.start()
        try:
            yield self
            self.goes_on()
        finally:
            stop.set()
            thread.join()
        assert self.failures == []

    def goes_on(self) -> None:
        """Wait until it has worked for some rounds more, so that it has seen what is now."""
        wanted, end = self.rounds + 5, time.monotonic() + 30
        while self.rounds < wanted:
            assert self.failures == []
            assert time.monotonic() < end, f"{self.name} application does not go on"
            time.sleep(0.01)

    def _work(self, stop: threading.Event) -> None:
        # A rest, for an application that never rests slows down what is tested beside it.
        while not stop.wait(0.005):
            try:
                self._round(self.rounds)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a failure
                self.failures.append(f"{self.name}, round {self.rounds}: {error}")
                return
            self.rounds += 1

    def _round(self, number: int) -> None:
        day = None if number % 7 == 3 else FIRST + timedelta(days=number)
        with Session(self.engine) as session:
            book = self.models.Book(title=f"{self.name} {number}", author_id=1)
            setattr(book, self.column, day)
            session.add(book)
            session.commit()
            self.said[book.id] = day
            mine = sorted(self.said)[number // 2]
            other = session.get(self.models.Book, mine)
            assert getattr(other, self.column) == self.said[mine]
            self.said[mine] = FIRST + timedelta(days=2 * number)
            setattr(other, self.column, self.said[mine])
            session.commit()
            self._sees(session, self.said)

    def _sees(self, session: Session, said: dict[int, date | None]) -> None:
        book = self.models.Book
        found = session.execute(sa.select(book.id, getattr(book, self.column)))
        seen = {id_: day for id_, day in found if id_ in said}
        assert seen == said, "the books are not as they were written"

    def sees(self, other: Application) -> None:
        """Look at what the other version wrote, while it does not write."""
        with Session(self.engine) as session:
            self._sees(session, other.said)


@pytest.fixture
def project(work: Work, make_database: Any, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a development and a protected production environment."""
    root = work.project.root
    monkeypatch.syspath_prepend(str(root))
    monkeypatch.setenv("DATABASE_URL_PRODUCTION", make_database().url)
    (root / "env_profiles" / "production.env").write_text("PROTECTED=yes\n")
    shutil.rmtree(root / "app", ignore_errors=True)
    return work.project


def applied(project: Project, environment: str, through: Through | None = None) -> None:
    """Migrate an environment; the hazards of a plain revision, without rows, are not looked at."""
    profile = project.profile(environment)
    database = settings.database(project, profile)
    made = migrate.plan(project, profile, database, through=through)
    assert made.revisions
    migrate.apply(made, confirm=lambda _: True, allow=() if through else None)


def filled_in(project: Project, environment: str) -> None:
    """Fill in what the environment's expand revision asks for."""
    profile = project.profile(environment)
    made = backfill.plan(project, profile, settings.database(project, profile))
    assert [one.changed for one in backfill.run(made, confirm=lambda _: True).filled] >= [1000]


def engine(project: Project, environment: str) -> sa.Engine:
    """Connect as an application does."""
    database = settings.database(project, project.profile(environment))
    url = sa.make_url(database.url).set(drivername="postgresql+psycopg")
    return sa.create_engine(url)


def test_two_versions_of_the_application(project: Project) -> None:
    old_models = version(project.root, "old_app", "published_date")
    new_models = version(project.root, "new_app", "publication_date")
    generate.revision(replace(project, models="old_app.models:Base.metadata"))
    for environment in ("development", "production"):
        applied(project, environment)
        with connect(settings.database(project, project.profile(environment))) as connection:
            connection.execute("INSERT INTO authors (name) VALUES ('Jane')")
            connection.execute(
                "INSERT INTO books (title, author_id, published_date)"
                " SELECT 'book ' || n, 1, date '1800-01-01' + n FROM generate_series(1, 1000) n"
            )
    project = replace(project, models="new_app.models:Base.metadata")
    rename = "public.books.published_date:public.books.publication_date"
    generate.revision(project, answers=generate.Answers(renames=[rename], phased=True))

    for environment in ("development", "production"):
        engines = engine(project, environment), engine(project, environment)
        old = Application("old", old_models, "published_date", engines[0])
        new = Application("new", new_models, "publication_date", engines[1])
        _phases(project, environment, old, new)
        new.engine.dispose()


def _phases(project: Project, environment: str, old: Application, new: Application) -> None:
    steps: list[Callable[[], None]] = [
        lambda: applied(project, environment, through="expand"),
        lambda: filled_in(project, environment),
    ]
    with old.running():
        for step in steps:
            old.goes_on()
            step()
        with new.running():
            old.goes_on()
    new.sees(old)
    old.sees(new)
    old.engine.dispose()  # the old version is gone
    with new.running():
        applied(project, environment, through="contract")
    new.sees(old)
    new.sees(new)
