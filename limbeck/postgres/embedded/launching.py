"""The start of Postgres: on a port that is free, until it is ready."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from limbeck.errors import ServerError
from limbeck.events import Listener, Notice
from limbeck.postgres.embedded import cluster, ports, postmaster
from limbeck.postgres.embedded.os_user import Account

PATIENCE = 60.0
# Somebody was quicker, or backends of a killed server are still ending.
_PASSING = 'Address already in use|still in use|"postmaster.pid" already exists'
LOG_LIMIT = 5_000_000


@dataclass(frozen=True, slots=True)
class Launch:
    """What a server is started with: its folders, the pinned port, and who runs which Postgres."""

    home: Path
    data: Path
    log: Path
    port: int | None
    program: str
    version: int
    account: Account

    def run(self, listen: Listener) -> int:
        """Start the server and wait until it is ready; give its port."""
        deadline = time.monotonic() + PATIENCE
        while True:
            if (port := self._joined()) is not None:
                return port
            port = self._claim_port(listen)
            said = self._attempt(port, deadline)
            if said is None:
                return port
            if not re.search(_PASSING, said) or time.monotonic() > deadline - PATIENCE + 10:
                raise cluster.trouble(said, self.home)
            time.sleep(0.1)

    def _joined(self) -> int | None:
        """Wait for a server that a command was starting when it was killed; give its port."""
        deadline = time.monotonic() + PATIENCE
        while (server := postmaster.read(self.data)) is not None:
            if server.ready:
                return server.port
            if time.monotonic() > deadline:
                raise cluster.trouble(f"process {server.pid} does not get ready", self.home)
            time.sleep(0.005)
        return None

    def _attempt(self, port: int, deadline: float) -> str | None:
        """Start Postgres once; give None when it is ready, else what its log says."""
        postmaster.disown(self.data)
        with self._open_log() as log:
            start = os.fstat(log).st_size
            process = subprocess.Popen(  # noqa: S603 - postgres itself, with arguments of ours
                self.account.command(
                    self.program, *cluster.server_arguments(self.data, port, self.version)
                ),
                **self.account.options(),
                stdout=log,
                stderr=log,
            )
        while time.monotonic() < deadline:
            running = postmaster.read(self.data)
            if running is not None and running.ready:
                process.returncode = 0  # it outlives us, so nobody waits for it
                return None
            if process.poll() is not None and running is None:
                break
            time.sleep(0.005)
        with self.log.open(errors="replace") as text:
            text.seek(start)
            return text.read() or f"no answer within {PATIENCE:.0f} seconds"

    @contextlib.contextmanager
    def _open_log(self) -> Iterator[int]:
        handle = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self.account.own(self.log)
            if os.fstat(handle).st_size > LOG_LIMIT:
                os.ftruncate(handle, 0)
            yield handle
        finally:
            os.close(handle)

    def _claim_port(self, listen: Listener) -> int:
        """Give the pinned port, the one of last time, or a free one; note it for `url`."""
        saved = ports.saved(self.home)
        port = self.port or saved
        if port is None or not ports.is_free(port):
            if self.port is not None:
                raise ServerError(
                    f"port {self.port} ({ports.SETTING}) is taken by another program",
                    hint=f"end that program, or unset {ports.SETTING}",
                )
            port = ports.pick(self.home)
            if saved is not None:
                listen(
                    Notice(
                        f"port {saved} is taken by another program: "
                        f"the local server now listens on {port}"
                    )
                )
        if port != saved:
            ports.save(self.home, port)
        return port
