"""The stand-in driven by Neon's own command line, and our client against Prism's mock."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from limbeck.branches.neon.account import Account
from limbeck.branches.neon.patience import Patience
from limbeck.branches.neon.provider import NeonBranches
from limbeck.errors import NeonError
from tests.neon import description
from tests.neon.faults import Fault
from tests.neon.server import StandIn

BIN = Path(os.environ.get("LIMBECK_CONTRACT_BIN", ""))
PROGRAMS = ("neon", "prism")

pytestmark = pytest.mark.skipif(
    not os.environ.get("LIMBECK_CONTRACT_BIN"), reason="make test-contract installs the programs"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty HOME."""
    path = tmp_path / "home"
    path.mkdir()
    return path


def neon(standin: StandIn, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Neon's command line against the stand-in; it has to succeed."""
    done = subprocess.run(
        [
            str(BIN / "neon"),
            *arguments,
            *("--api-host", standin.host, "--api-key", standin.key),
            *("--project-id", standin.project_id, "--no-analytics", "--config-dir", str(home)),
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "CI": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done


@pytest.mark.prints_urls  # Neon's own `cs` is there for it
def test_neons_own_command_line_drives_the_stand_in(standin: StandIn, home: Path) -> None:
    production = NeonBranches.of(Account(standin.key, standin.project_id, standin.host))
    with psycopg.connect(production.url("production"), autocommit=True) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS id")
    neon(standin, home, "branches", "create", "--name", "dev", "--parent", "production")
    listed = json.loads(neon(standin, home, "branches", "list", "-o", "json").stdout)
    assert {each["name"] for each in listed} == {"production", "dev"}
    url = neon(standin, home, "connection-string", "dev", "--database-name", "neondb").stdout
    compute = standin.project.compute_of(standin.project.named("dev"))
    assert compute is not None
    assert compute.host in url
    with psycopg.connect(production.url("dev"), autocommit=True) as connection:
        connection.execute("ALTER TABLE t ADD COLUMN extra int")
    diff = neon(standin, home, "branches", "schema-diff", "production", "dev", "--db", "neondb")
    assert "+    extra integer" in diff.stdout
    standin.inject(Fault("status", "POST", ".*/restore", status=423))
    neon(standin, home, "branches", "reset", "dev", "--parent")
    with psycopg.connect(production.url("dev")) as connection:
        row = connection.execute("SELECT * FROM t").fetchone()
    assert row == (1,)
    neon(standin, home, "branches", "delete", "dev")
    assert [row.name for row in standin.project.rows.values()] == ["production"]


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """The address of a mock of the description."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    mock = subprocess.Popen(
        [str(BIN / "prism"), "mock", "-p", str(port), "--errors", str(description.FILE)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.2)
            else:
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        mock.terminate()
        mock.wait()


def test_prism_accepts_what_our_client_asks(prism: str) -> None:
    """A request that the description does not allow would be answered with 422."""
    account = Account("napi_mock", "demo-project-0001", prism)
    provider = NeonBranches.of(account, patience=Patience(locked=0.0))
    there = provider.all()
    assert len(there) > 1
    by_name = {one.name: one for one in there}
    leaf = next(one for one in there if one.parent is not None)
    attempts = (
        lambda: provider.create("another", by_name[leaf.parent or ""].name),
        lambda: provider.reset(leaf.name),
        lambda: provider.rename(leaf.name, "renamed"),
        lambda: provider.set_expiration(leaf.name, None),
        lambda: provider.set_default(leaf.name),
        lambda: provider.snapshot(leaf.name, "before"),
        lambda: provider.delete(leaf.name),
        lambda: provider.databases(leaf.name),
    )
    refused = []
    for attempt in attempts:
        try:
            attempt()
        except NeonError as error:
            refused.append(str(error))
        except LookupError:
            pass  # the mock's answers belong to its own example, whatever was asked
    assert [each for each in refused if "422" in each or "401" in each] == []


def test_the_programs_are_there() -> None:
    assert [name for name in PROGRAMS if shutil.which(str(BIN / name)) is None] == []
