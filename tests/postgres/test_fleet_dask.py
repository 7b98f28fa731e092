"""A fleet on a Dask cluster: a real scheduler and two worker processes, which may be killed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.postgres.test_fleet import Tenants, tenants  # noqa: F401 - a fixture

pytestmark = pytest.mark.thorough
pytest.importorskip("distributed", reason="the extra limbeck[dask] is not installed")
LIMBECK = str(Path(sys.executable).parent / "limbeck")
PYTHON = [sys.executable, "-m"]


@contextmanager
def scheduler(port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a scheduler and its address."""
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    command = [*PYTHON, "distributed.cli.dask_scheduler", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        address = ""
        for line in process.stderr:
            if match := re.search(r"Scheduler at:\s+(tcp://\S+)", line):
                address = match[1]
                break
        try:
            yield process, address
        finally:
            process.kill()
            process.communicate()


@contextmanager
def worker(address: str) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a worker process with two threads, which has no file of the test's own."""
    options = ["--nthreads", "2", "--no-nanny", "--no-dashboard"]
    command = [*PYTHON, "distributed.cli.dask_worker", address, *options]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def migrating(tenants: Tenants, address: str) -> Iterator[subprocess.Popen[str]]:  # noqa: F811 - the fixture
    """Yield the command that migrates the fleet, which never outlives the test."""
    command = [LIMBECK, "fleet", "migrate", "-e", "tenants", "--at-once", "4", "--dask", address]
    pipe = subprocess.PIPE
    root = tenants.work.project.root
    with subprocess.Popen(command, cwd=root, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def first(process: subprocess.Popen[str]) -> None:
    """Wait until the first database is migrated."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("wave "):
            return


def test_a_worker_that_is_killed_loses_nothing_and_nothing_is_applied_twice(
    tenants: Tenants,  # noqa: F811 - the fixture
) -> None:
    slow = "select pg_sleep(0.5)"
    tenants.revisions.append(tenants.work.revision("slow", slow, slow))
    ids = [revision.id for revision in tenants.revisions]
    with scheduler() as (process, address), worker(address) as one, worker(address):
        with migrating(tenants, address) as run:
            first(run)
            time.sleep(0.2)
            one.kill()
            out, err = run.communicate(timeout=60)
        # Where the killed worker came to the end, but not to its answer, nothing is pending.
        changed = re.search(r"12 databases: (\d+) changed(?:, (\d+) had nothing pending)?$", out)
        assert run.returncode == 0, out + err
        assert changed is not None, out + err
        assert int(changed[1]) + int(changed[2] or 0) == 12
        assert all(tenants.ledger(number) == ids for number in range(1, 13))
        last = tenants.work.revision("slower", slow, slow).id
        with migrating(tenants, address) as run:
            first(run)
            process.kill()
            out, err = run.communicate(timeout=90)
        assert run.returncode == 1, out + err
    applied = sum(last in tenants.ledger(number) for number in range(1, 13))
    assert 0 < applied < 12
    with (
        scheduler() as (_, address),
        worker(address),
        worker(address),
        migrating(tenants, address) as run,
    ):
        out, err = run.communicate(timeout=60)
    assert run.returncode == 0, out + err
    assert all(tenants.ledger(number) == [*ids, last] for number in range(1, 13))


def test_without_a_scheduler_the_command_says_so(tenants: Tenants) -> None:  # noqa: F811 - the fixture
    text = tenants.run("status", "--dask", "tcp://127.0.0.1:9", code=1)
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in text
    assert os.environ.get("DASK_SCHEDULER_ADDRESS") is None
