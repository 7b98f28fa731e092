"""Start Postgres on a free port and wait until it accepts connections; `Server` calls this."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.errors import ServerError
from limbeck.events import Listener, Notice
from limbeck.postgres.embedded import cluster, ports, postmaster
from limbeck.postgres.embedded.os_user import Account

PATIENCE = 60.0  # seconds; after kill -9 of a busy server it replays its log first
# Reasons that pass by themselves: another program took the port between the check and the start,
# or backends of a killed server still end.
_PASSING = 'Address already in use|still in use|"postmaster.pid" already exists'
_RETRY = 10.0  # seconds for which such a reason is waited for
LOG_LIMIT = 5_000_000  # bytes after which the log starts again


@dataclass(frozen=True, slots=True)
class Launch:
    """The folders of a server, the pinned port if any, and the program with its account."""

    home: Path
    data: Path
    log: Path
    port: int | None
    program: str
    version: int
    account: Account

    def run(self, listen: Listener) -> int:
        """Start the server, wait until it is ready, and return its port.

        Raises:
            ServerError: it does not start, or the pinned port is in use.

        """
        deadline = time.monotonic() + PATIENCE
        while True:
            if (port := self._joined()) is not None:
                return port
            port = self._claim_port(listen)
            problem = self._attempt(port, deadline)
            if problem is None:
                return port
            if not re.search(_PASSING, problem) or time.monotonic() > deadline - PATIENCE + _RETRY:
                raise cluster.trouble(problem, self.home)
            time.sleep(0.1)

    def _joined(self) -> int | None:
        """Return the port of a server that a killed command had started, once it is ready."""
        deadline = time.monotonic() + PATIENCE
        while (server := postmaster.read(self.data)) is not None:
            if server.ready:
                return server.port
            if time.monotonic() > deadline:
                raise cluster.trouble(f"process {server.pid} does not get ready", self.home)
            time.sleep(0.005)
        return None

    def _attempt(self, port: int, deadline: float) -> str | None:
        """Start Postgres once; return None when it is ready, else what it wrote to its log."""
        postmaster.disown(self.data)
        extensions = self.home / "extensions"
        arguments = cluster.server_arguments(self.data, extensions, port, self.version)
        with self._open_log() as log:
            start = os.fstat(log).st_size
            process = subprocess.Popen(  # noqa: S603 - postgres itself, with arguments of ours
                self.account.command(self.program, *arguments),
                **self.account.options(),
                stdout=log,
                stderr=log,
            )
        while time.monotonic() < deadline:
            running = postmaster.read(self.data)
            if running is not None and running.ready:
                # It outlives this command, so nobody waits for it, and Popen must not warn.
                process.returncode = 0
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
        """Return the pinned port, the last one, or a free one; save it for `Server.url`."""
        saved = ports.saved(self.home)
        port = self.port or saved
        if port is None or not ports.is_free(port):
            if self.port is not None:
                raise ServerError(
                    f"another program uses port {self.port} ({ports.SETTING})",
                    hint=f"Stop that program, or unset {ports.SETTING}.",
                )
            port = ports.pick(self.home)
            if saved is not None:
                listen(
                    Notice(
                        f"another program uses port {saved}: the local server now listens on {port}"
                    )
                )
        if port != saved:
            ports.save(self.home, port)
        return port
