"""A thousand databases: killed half-way, three broken, one locked; beside loops of Alembic."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server
    from tests.postgres.conftest import Work

COUNT = int(os.environ.get("LIMBECK_FLEET", "1000"))
PEERS = 30
MEMORY = 300 << 10  # KiB, as ru_maxrss counts
LIMBECK = str(Path(sys.executable).parent / "limbeck")
ALEMBIC = str(Path(sys.executable).parent / "alembic")
pytestmark = pytest.mark.thorough
INI = "[alembic]\nscript_location = plain\nversion_locations = alembic/versions\n"
ENV = """
import os
from alembic import context
from sqlalchemy import create_engine, pool
url = os.environ["URL"].replace("postgresql://", "postgresql+psycopg://")
with create_engine(url, poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.fixture
def names(work: Work, admin: psycopg.Connection) -> Iterator[list[str]]:
    """A thousand databases at the first of four revisions, which are the fleet `many`."""
    prefix = f"thousand_{id(work):x}_"
    names = [f"{prefix}{number:05}" for number in range(1, COUNT + 1)]
    (work.project.profiles_dir / "many.fleet.env").write_text(
        f"DATABASES={prefix}*\nENVIRONMENT=development\nMAX_FAILURES=10\nLOCK_BUDGET=1s\n"
    )
    first = work.revision("first", "create table one (id int)", "drop table one")
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    for name, source in [(names[0], "template1"), *((each, names[0]) for each in names[1:])]:
        admin.execute(create.format(sql.Identifier(name), sql.Identifier(source)))
        if name == names[0]:
            limbeck(work, "fleet", "migrate", "-e", "many")
    for column in "abc":
        work.revision(column, f"alter table one add {column} int", f"alter table one drop {column}")
    assert first
    yield names
    for name in names:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def limbeck(work: Work, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LIMBECK, *words], cwd=work.project.root, capture_output=True, text=True, check=False
    )


def states(work: Work) -> dict[str, Any]:
    answer = json.loads(limbeck(work, "fleet", "status", "-e", "many", "--json").stdout)
    return {each["name"]: each["state"] for each in answer["databases"]}


def test_a_thousand_databases_are_migrated_although_the_first_run_is_killed(
    work: Work, server: Server, names: list[str]
) -> None:
    broken, locked = names[10 :: COUNT // 3][:3], names[-1]
    for name in broken:
        with psycopg.connect(server.url(name), autocommit=True) as connection:
            connection.execute("alter table one add b text")
    command = [LIMBECK, "fleet", "migrate", "-e", "many"]
    with subprocess.Popen(command, cwd=work.project.root, stderr=subprocess.PIPE, text=True) as run:
        for line in run.stderr or ():
            if line.startswith("wave 1 of 1: ") and int(line.split()[4]) >= COUNT // 3:
                run.kill()
    assert run.returncode == -signal.SIGKILL
    before = list(states(work).values())
    assert COUNT // 3 <= before.count("head") + len(broken) < COUNT
    with psycopg.connect(server.url(locked)) as holder:
        holder.execute("select from one")
        ended = limbeck(work, "fleet", "migrate", "-e", "many", "--json")
    answer = json.loads(ended.stdout)
    assert {each["reason"]: sorted(each["databases"]) for each in answer["failures"]} == {
        'column "b" of relation "one" already exists': broken,
        "canceling statement due to lock timeout": [locked],
    }
    unfinished = {name for name, state in states(work).items() if state != "head"}
    assert unfinished == {*broken, locked}
    with psycopg.connect(server.url(names[0])) as connection:
        rows = connection.execute("select revision from limbeck_state.ledger").fetchall()
    assert len(rows) == len(set(rows)) == 4


def test_a_thousand_databases_take_a_tenth_of_a_loop_of_alembic(
    work: Work, server: Server, names: list[str]
) -> None:
    root = work.project.root
    peers = names[:PEERS]
    lines = "\n".join(server.url(name) for name in peers)
    (root / "plain").mkdir()
    (root / "plain" / "env.py").write_text(ENV)
    (root / "plain.ini").write_text(INI)
    upgrade = f'URL="$1" exec {ALEMBIC} -c plain.ini upgrade head'
    loop = f"while read -r url; do sh -c '{upgrade}' sh \"$url\" || exit 1; done"
    xargs = f"xargs -P 2 -n 1 sh -c '{upgrade}' sh"
    figures: dict[str, float] = {}
    for label, script in (("loop", loop), ("xargs", xargs)):
        begun, spent = time.monotonic(), cpu()
        ended = subprocess.run(
            ["sh", "-c", script], input=lines, cwd=root, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr[-2000:]
        figures[label] = (time.monotonic() - begun) / PEERS
        figures[f"{label}, CPU"] = (cpu() - spent) / PEERS
        revision = work.history.revisions()[0].id
        limbeck(work, "fleet", "rollback", "-e", "many", "--to", revision)
    begun, spent = time.monotonic(), cpu()
    ended = limbeck(work, "fleet", "migrate", "-e", "many")
    figures["fleet"] = (time.monotonic() - begun) / COUNT
    figures["fleet, CPU"] = (cpu() - spent) / COUNT
    assert f"{COUNT:,} databases: {COUNT} changed" in ended.stdout, ended.stderr[-2000:]
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    shown = {name: f"{1000 * value:.1f} ms" for name, value in figures.items()}
    (Path(os.environ.get("LIMBECK_FIGURES", work.project.root)) / "fleet.json").write_text(
        json.dumps({"databases": COUNT, "memory": f"{memory >> 10} MB", **shown}, indent=2)
    )
    assert figures["fleet"] <= 0.1 * figures["loop"]
    assert figures["fleet"] <= 0.3 * figures["xargs"]
    assert memory <= MEMORY


def cpu() -> float:
    """Return the CPU seconds of the programs that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
