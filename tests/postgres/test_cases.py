"""Each case once more through the models: a revision is made of it, proven, run and taken back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from limbeck import generate, pull
from limbeck.engine import running
from limbeck.generate.rendering.statements import execute
from limbeck.history import writing
from limbeck.history.history import History
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.pull import Options
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.read import read
from limbeck.schema.sql.quoting import split, unquote
from limbeck.settings import Project
from limbeck.sources import Replay
from tests.postgres.cases import names
from tests.postgres.cases.case import Case
from tests.postgres.cases.kind import Kind, written
from tests.postgres.cases.matrix import CASES as MATRIX
from tests.postgres.cases.matrix import KINDS
from tests.postgres.test_diff import CASES, read_undone

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server

REPOSITORY = Path(__file__).parents[2]
MODULE = Options(layout="file")
NUMBERS = count()


@dataclass(frozen=True)
class Ground:
    """A project that all cases of a worker share, for the time that its server's start takes."""

    project: Project

    @property
    def history(self) -> History:
        """Its revisions."""
        return History.of(self.project)

    def begun(self, text: str) -> str:
        """Begin a new history, with a revision written by hand; return that one, or base."""
        shutil.rmtree(self.history.folder)
        self.history.folder.mkdir()
        if not text.strip():
            return "base"
        written = execute(text)
        writing.write(self.history, "before", written.text, imports=written.imports)
        return self.history.find("head")[0].id

    def with_models(self, source: Mapping[str, str]) -> Project:
        """Return the project with other models."""
        name = f"models_{next(NUMBERS)}"
        (self.project.root / f"{name}.py").write_text(source["models.py"], encoding="utf-8")
        return replace(self.project, models=f"{name}:Base.metadata")


@pytest.fixture(scope="module")
def ground(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A project without models, whose shadow is the run's server."""
    root = tmp_path_factory.mktemp("cases")
    (root / "alembic" / "versions").mkdir(parents=True)
    for name in ("alembic/env.py", "alembic/script.py.mako", "alembic.ini"):
        shutil.copy(REPOSITORY / name, root / name)
    (root / "env_profiles").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHADOW_DATABASE_URL", server.url())
        yield Ground(Project.find(root))


def differences(one: Catalog, other: Catalog) -> list[str]:
    """Return what differs, to be read in a failed test."""
    return [f"{c.address}:\n  {c.before}\n  {c.after}" for c in one.changes_to(other)]


@dataclass(frozen=True)
class Kept:
    """A table that stays, and the columns that stay of their type; at another name perhaps."""

    before: Address
    after: Address
    columns: Mapping[str, str]

    def rows_before(self, connection: psycopg.Connection) -> list[tuple[object, ...]]:
        """Return its own rows, in order."""
        return _rows(connection, self.before, self.columns)

    def rows_after(self, connection: psycopg.Connection) -> list[tuple[object, ...]]:
        """Return the same of the table that it has become."""
        return _rows(connection, self.after, self.columns.values())


def _rows(
    connection: psycopg.Connection, table: Address, columns: Iterable[str]
) -> list[tuple[object, ...]]:
    query = sql.SQL("SELECT ROW({})::text FROM ONLY {} ORDER BY 1").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.Identifier(table.schema, table.name),
    )
    return connection.execute(query).fetchall()


def kept(case: Case, before: Catalog, after: Catalog) -> Iterator[Kept]:
    """Yield the tables whose rows have to be there afterwards."""
    renamed = dict(_names(answer) for answer in case.renames)
    relabelled = {old[:-1] for old in renamed}  # what shows its values anew
    for table in before.of(Table):
        (schema,) = renamed.get((table.schema,), (table.schema,))
        new = renamed.get((schema, table.name), (schema, table.name))
        address = Address("table", *new)
        if table.kind == "r" and isinstance(after.objects.get(address), Table):
            old = [
                one
                for one in before.of(Column)
                if (one.schema, one.table) == table.address[1:3]
                and tuple(map(unquote, split(one.type, "."))) not in relabelled
            ]
            pairs = {one: renamed.get((*new, one.name), (*new, one.name)) for one in old}
            columns = dict(_unchanged(pairs, set(renamed.values()), after))
            yield Kept(table.address, address, columns)


def _names(answer: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    old, new = (tuple(map(unquote, split(side, "."))) for side in split(answer, ":"))
    return old, new


def _unchanged(
    pairs: Mapping[Column, tuple[str, ...]], taken: Container[tuple[str, ...]], after: Catalog
) -> Iterator[tuple[str, str]]:
    for one, new in pairs.items():
        other = after.objects.get(Address("column", *new))
        if (new in taken and new[-1] == one.name) or not isinstance(other, Column):
            continue
        if other.type == one.type and not (one.generated or other.generated):
            yield one.name, other.name


# All cases of test_diff go through the models too, but half of the matrix every day is enough: a
# kind of object has several cases in it.
DAILY = [*MATRIX[::2], *names.CASES]
THOROUGH = [
    pytest.param(case, marks=pytest.mark.thorough)
    for case in (*MATRIX, *CASES)
    if case not in DAILY
]


@pytest.mark.parametrize("case", [*DAILY, *THOROUGH], ids=lambda case: case.name)
def test_a_case_through_the_models(
    case: Case,
    ground: Ground,
    empty: psycopg.Connection,
    server: Server,
    make_database: Callable[..., Database],
) -> None:
    wanted = read_undone(empty, case.after)
    first = ground.begun(case.before)
    source = pull.source(wanted, MODULE)
    project = ground.with_models(source)
    before = Replay(project).catalog()
    replayed = Database.from_url("replay", server.url(Replay(project).template()))
    live, tables = make_database("live", template=replayed), list(kept(case, before, wanted))
    answers = generate.Answers(
        allow_drop=True,
        renames=case.renames,
        no_rename=True,
        ask_cast=lambda cast: cast.plain,
    )
    with connect(live) as connection:
        connection.execute(case.rows.encode())
        rows = [one.rows_before(connection) for one in tables]
        # 1. A revision is generated.
        assert generate.revision(project, answers=answers).path
        # 2. Its replay equals the models, and these what they were pulled from.
        running.upgrade(ground.history, connection, "head")
        upgraded = read(connection)
        assert differences(upgraded, wanted) == []
        # 3. The rows are kept.
        assert [one.rows_after(connection) for one in tables] == rows
        for question, answer in case.holds:
            assert connection.execute(question.encode()).fetchone() == (answer,)
        # 4. A second generate is empty, and so it is for the models pulled from what was made.
        assert generate.revision(project) == generate.Generated()
        if (again := pull.source(upgraded, MODULE)) != source:
            assert generate.revision(ground.with_models(again)) == generate.Generated()
        # 5. The downgrade leaves no trace.
        running.downgrade(ground.history, connection, first)
        assert differences(read(connection), before) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_catalog_tells_the_ways_of_each_kind_apart(kind: Kind, empty: psycopg.Connection) -> None:
    ways = [kind.none, kind.one, *([kind.other] if kind.other else [])]
    catalogs = [read_undone(empty, kind.base + written(way, ("x", 1))) for way in ways]
    assert len({found.fingerprint() for found in catalogs}) == len(ways)


def test_each_kind_is_added_changed_renamed_and_dropped_or_says_why_not() -> None:
    assert [kind.name for kind in KINDS if bool(kind.other) == bool(kind.unchanging)] == []
    assert [kind.name for kind in KINDS if bool(kind.named) == bool(kind.nameless)] == []
