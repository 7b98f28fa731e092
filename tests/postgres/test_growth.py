"""What commands cost, counted: as much with many tables or revisions as with few."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest
from click.testing import CliRunner

from limbeck.cli import group
from limbeck.history import folder, revisions, saved
from limbeck.lint.trace import facts, session
from limbeck.postgres.database import Database
from limbeck.project.code.in_process import InProcess
from limbeck.schema.catalog.objects.columns import Column
from tests.postgres.relay import relayed

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server
    from tests.postgres.conftest import MakeWork, Work

MODELS: Final = """
for number in range({tables}):
    Table(f't{{number}}', metadata, Column('id', Integer, primary_key=True))
late = Column('late', Integer)
"""
TABLES: Final = """for number in range({tables}):
        op.create_table(f't{{number}}', sa.Column('id', sa.Integer, primary_key=True))"""
ADD: Final = "op.add_column('t0', sa.Column('c', sa.Integer))"
DROP: Final = "op.drop_column('t0', 'c')"
REVISION: Final = """import sqlalchemy as sa
from alembic import op

revision = "{number:012x}"
down_revision = {down!r}


def upgrade() -> None:
    {body}


def downgrade() -> None:
    pass
"""


def write(work: Work, number: int, body: str) -> None:
    """Write a revision that follows the one before it."""
    down = f"{number - 1:012x}" if number else None
    text = REVISION.format(number=number, down=down, body=body)
    (work.history.folder / f"r{number:04}.py").write_text(text)


@dataclass
class Cost:
    """What a command has done.

    `statements` and `trips` are those of the environment's database, `shadow` and `shadow_trips`
    those of the shadow. `read` are revision files whose heads were read, `parsed` those that were
    parsed as a whole, `loaded` those that were imported. `columns` counts the values of columns
    that were built of a catalog, `facts` the columns and constraints that lint has read, `locks`
    the locks.
    """

    statements: int = 0
    trips: int = 0
    shadow: int = 0
    shadow_trips: int = 0
    read: int = 0
    parsed: int = 0
    loaded: int = 0
    columns: int = 0
    facts: int = 0
    locks: int = 0


Costs: TypeAlias = dict[str, Cost]
Growth: TypeAlias = dict[str, dict[str, int]]
"""What a command may do more for each table, by the names of `Cost`."""

COUNTED: Final = (
    ("read", saved, "read"),
    ("parsed", revisions, "_parse"),
    ("loaded", InProcess, "revision"),
    ("columns", Column, "__init__"),
    ("facts", facts.Column, "__init__"),
    ("facts", facts.Constraint, "__init__"),
    ("locks", session.Locked, "__init__"),
)


@contextmanager
def counted(shadow: Database, database: Database) -> Iterator[Cost]:
    """Count what the commands in the block do."""
    cost = Cost()

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def count(*arguments: Any, **options: Any) -> Any:
            setattr(cost, name, getattr(cost, name) + 1)
            return function(*arguments, **options)

        return count

    with (
        pytest.MonkeyPatch.context() as patch,
        relayed(shadow) as beside,
        relayed(database) as relay,
    ):
        for name, owner, attribute in COUNTED:
            patch.setattr(owner, attribute, counting(name, getattr(owner, attribute)))
        patch.setattr(folder, "_TICK", 0)  # the files were written a moment ago
        patch.setenv("SHADOW_DATABASE_URL", beside.to(shadow).url)
        patch.setenv("DATABASE_URL_DEVELOPMENT", relay.to(database).url)
        # A process of its own has read no file before.
        sys.modules.pop("models", None)
        saved._unchanged.cache_clear()  # noqa: SLF001 - as above
        revisions._parsed.cache_clear()  # noqa: SLF001 - as above
        yield cost
    cost.statements, cost.trips = len(relay.statements), sum(relay.trips)
    cost.shadow, cost.shadow_trips = len(beside.statements), sum(beside.trips)


COMMANDS: Final = {
    "migrate, nothing pending": ("migrate", "-e", "development"),
    "generate": ("generate", "-m", "column"),
    "lint": ("lint", "head"),
    "migrate, one pending": ("migrate", "-e", "development"),
    "status": ("status",),
}


def costs(work: Work, shadow: Database, database: Database, *, tables: int, count: int) -> Costs:
    """Return what each command costs with so many tables and revisions, once caches are filled."""

    def run(*words: str) -> Cost:
        with counted(shadow, database) as cost:
            done = CliRunner().invoke(group, ["--project", str(work.project.root), *words])
        assert done.exit_code == 0, done.output
        return cost

    write(work, 0, TABLES.format(tables=tables))
    for number in range(1, count):
        write(work, number, ADD if number % 2 else DROP)
    work.models(MODELS.format(tables=tables))
    run("migrate", "-e", "development")
    run("generate", "-m", "nothing")
    work.models(MODELS.format(tables=tables) + "metadata.tables['t0'].append_column(late)\n")
    return {name: run(*words) for name, words in COMMANDS.items()}


def compared(few: Costs, many: Costs, grows: Growth, more: int) -> Iterator[str]:
    """Yield what grows by more than it may; `more` is the difference of the sizes."""
    for command in COMMANDS:
        for name, before in asdict(few[command]).items():
            after = getattr(many[command], name)
            if after - before > more * grows.get(command, {}).get(name, 0):
                yield f"{command}: {name}: {before} -> {after}"


@pytest.fixture
def costly(
    make_work: MakeWork, make_database: Callable[..., Database], own_server: Server
) -> Callable[[int, int], Costs]:
    """A function that counts with so many tables and revisions."""
    shadow = Database.from_url("shadow", own_server.url())
    return lambda tables, count: costs(
        make_work(), shadow, make_database("one"), tables=tables, count=count
    )


@pytest.mark.parametrize("many", [100, pytest.param(1000, marks=pytest.mark.thorough)])
def test_commands_ask_as_much_with_many_tables_as_with_few(
    many: int, costly: Callable[[int, int], Costs]
) -> None:
    # A database that is read as a whole has a value for each column, and the history as well that
    # it is compared with; generate reads and builds what has changed. Lint reads the column and the
    # two constraints of each table once.
    grows: Growth = {"status": {"columns": 2}, "lint": {"facts": 3}}
    few = costly(10, 1)
    assert min(few["generate"].columns, few["status"].columns) > 10  # something is counted
    assert [*compared(few, costly(many, 1), grows, many - 10)] == []


@pytest.mark.parametrize("many", [91, pytest.param(501, marks=pytest.mark.thorough)])
def test_commands_ask_and_load_as_much_with_many_revisions_as_with_few(
    many: int, costly: Callable[[int, int], Costs]
) -> None:
    few = costly(2, 51)  # of fewer files, nothing is saved
    assert few["migrate, one pending"].loaded == 1
    assert [*compared(few, costly(2, many), {}, many - 51)] == []


ALTER: Final = """op.add_column('t{0}', sa.Column('c', sa.Integer))
    op.create_check_constraint('k', 't{0}', 'c > 0')"""


def test_lint_costs_the_same_for_each_statement_of_a_transaction(
    make_work: MakeWork, database: Database, server: Server
) -> None:
    work, sizes, costs_ = make_work(), (0, 4, 8, 16), list[dict[str, int]]()
    write(work, 0, TABLES.format(tables=max(sizes)))
    words = ["--project", str(work.project.root), "lint", "head"]
    for size in sizes:
        write(work, 1, "\n    ".join(["pass", *map(ALTER.format, range(size))]))
        with counted(Database.from_url("shadow", server.url()), database) as cost:
            assert CliRunner().invoke(group, words).exit_code in {0, 3}
        costs_.append(asdict(cost))
    for name in ("shadow", "shadow_trips", "facts", "locks"):
        _, few, more, many = (each[name] for each in costs_)
        assert few < more, name
        assert many - more <= 2 * (more - few), name


def test_a_new_database_takes_one_load_and_one_parse_of_each_file_and_few_round_trips(
    make_work: MakeWork, database: Database, server: Server
) -> None:
    work, count = make_work(), 65
    write(work, 0, TABLES.format(tables=1))
    for number in range(1, count):
        write(work, number, ADD if number % 2 else DROP)
    with counted(Database.from_url("shadow", server.url()), database) as cost:
        words = ["--project", str(work.project.root), "migrate", "-e", "development"]
        assert CliRunner().invoke(group, words).exit_code == 0
    assert (cost.read, cost.parsed, cost.loaded) == (count, count, count)
    # 65 revisions are sent as 32, 32 and 1; two sessions ask for the state, one may watch.
    assert cost.trips <= 3 + 8
    assert cost.statements <= 10 * count + 10
