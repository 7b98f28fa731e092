"""The embedded server: a Postgres below .limbeck/, started when needed and left running."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from limbeck.errors import ServerError
from limbeck.events import Listener, ServerStarted, ignore
from limbeck.postgres.embedded import binaries, cluster, ports, postmaster
from limbeck.postgres.embedded import os_user as accounts
from limbeck.postgres.embedded.binaries import Binaries
from limbeck.postgres.embedded.launching import Launch
from limbeck.postgres.embedded.os_user import Account

if sys.platform != "win32":
    import fcntl


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a server without asking it; pid is None when it does not run."""

    home: Path
    pid: int | None
    port: int | None


@dataclass(frozen=True, slots=True)
class Server:
    """A Postgres whose data live in home/postgres, on 127.0.0.1 with a random password.

    It trades the durability it does not need for speed (fsync and full_page_writes are off): what
    is committed survives kill -9 of any process, but not a loss of power.
    port is $LIMBECK_LOCAL_PORT, or else chosen once and kept in home/server.json;
    programs names a folder of Postgres' programs, by default found by `binaries.find`.
    """

    home: Path
    port: int | None = field(default_factory=ports.pinned)
    programs: Path | None = None

    def __post_init__(self) -> None:
        """Keep the home's whole path: Postgres starts in a folder of its own."""
        object.__setattr__(self, "home", self.home.absolute())

    @property
    def data(self) -> Path:
        """The folder of the database cluster."""
        return self.home / "postgres"

    @property
    def log(self) -> Path:
        """The file that Postgres writes its messages to."""
        return self.home / "postgres.log"

    def find_binaries(self) -> Binaries:
        """Give the programs that this server runs."""
        return binaries.find(self.programs)

    def running(self) -> bool:
        """Tell whether the server accepts connections, by its lock file: no process is started."""
        server = postmaster.read(self.data)
        return server is not None and server.ready

    def status(self) -> Status:
        """Give what is known of the server."""
        server = postmaster.read(self.data)
        return Status(self.home, server.pid if server else None, ports.saved(self.home))

    def url(self, database: str = "postgres") -> str:
        """Give the URL of one database; it has the password in it.

        Raises:
            ServerError: the server was never started.
        """
        try:
            password = (self.home / "password").read_text().strip()
        except FileNotFoundError as error:
            raise self._no_password() from error
        server = postmaster.read(self.data)
        port = server.port if server else ports.saved(self.home)
        return f"postgresql://{cluster.USER}:{password}@127.0.0.1:{port}/{quote(database, safe='')}"

    def holds(self, oid: int) -> bool:
        """Tell whether a database of this oid is there, without asking the server.

        Each has a folder of that name: Postgres manual, 66.1 Database File Layout.
        """
        return (self.data / "base" / str(oid)).is_dir()

    @property
    def known(self) -> Path:
        """The folder of notes about branches that were seen to be there."""
        return self.home / "known"

    def forget(self) -> None:
        """Have branches be looked for again that were seen to be there."""
        shutil.rmtree(self.known, ignore_errors=True)

    def start(self, listen: Listener = ignore) -> None:
        """Start the server unless it runs; make its data first when there are none.

        Raises:
            ServerError: it does not start; says why, and what to do.
        """
        if self._serves():
            return
        try:
            self._make_home()
            with self._lock() as lock:
                if not self._serves():
                    self._start(lock, listen)
        except OSError as error:
            raise cluster.trouble(str(error), self.home) from error

    def stop(self) -> bool:
        """Stop the server, ending its sessions; tell whether it was running."""
        if not self.home.exists():
            return False
        with self._lock():
            server = postmaster.read(self.data)
            if server is not None:
                postmaster.end(server, self.data)
            return server is not None

    def _no_password(self) -> ServerError:
        if self.data.exists():
            return ServerError(
                f"{self.home / 'password'} is gone, and without it nobody gets into the server",
                hint=f"give up the local branches: limbeck local stop, then rm -r {self.home}",
            )
        return ServerError("the local server was never started", hint="limbeck local start")

    def _serves(self) -> bool:
        server = postmaster.read(self.data)
        return server is not None and server.ready and self.port in (None, server.port)

    def _make_home(self) -> None:
        try:
            self.home.mkdir(parents=True)
        except FileExistsError:
            return  # made long ago, or by a command that started just now
        # Cheap insurance for a project whose .gitignore does not know this folder.
        (self.home / ".gitignore").write_text("*\n")
        above = self.home.parent.stat()
        if hasattr(os, "geteuid") and os.geteuid() == 0 and above.st_uid != 0:
            for path in (self.home, self.home / ".gitignore"):
                os.chown(path, above.st_uid, above.st_gid)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[int]:
        """Keep other commands from starting or stopping this server meanwhile."""
        handle = os.open(self.home, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)

    def _start(self, lock: int, listen: Listener) -> None:
        found = self.find_binaries()
        account = accounts.choose(self.data, found.program("postgres"))
        version = binaries.major(found)
        created = not self.data.exists()
        if created:
            self._initialise(found, version, account, lock)
        self._check_version(version, found)
        server = postmaster.read(self.data)
        if server is not None and self.port not in (None, server.port):
            postmaster.end(server, self.data)
        program, places = found.program("postgres"), (self.home, self.data, self.log)
        launch = Launch(*places, self.port, program, version, account)
        listen(ServerStarted(launch.run(listen), created))

    def _initialise(self, found: Binaries, version: int, account: Account, lock: int) -> None:
        """Make the data in a folder beside, then rename it: half-made data are never seen."""
        for leftover in self.home.glob("new-*"):
            shutil.rmtree(leftover)
        password = self.home / "password"
        password.unlink(missing_ok=True)
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
        account.own(password)
        folder = Path(tempfile.mkdtemp(prefix="new-", dir=self.home))
        account.own(folder)
        answer = subprocess.run(  # noqa: S603 - initdb itself, with arguments of ours
            account.command(
                found.program("initdb"), *cluster.initdb_arguments(folder, password, version)
            ),
            **account.options(),
            capture_output=True,
            text=True,
            check=False,
            # Should this command be killed, the lock lasts until initdb has ended too.
            pass_fds=(lock,),
        )
        if answer.returncode != 0:
            shutil.rmtree(folder)
            raise cluster.trouble(answer.stderr, self.home)
        folder.rename(self.data)

    def _check_version(self, version: int, found: Binaries) -> None:
        made_by = int((self.data / "PG_VERSION").read_text())
        if made_by != version:
            raise ServerError(
                f"{self.data} was made by Postgres {made_by}, but {found.source} has {version}",
                hint=f"set {binaries.SETTING} to the programs of Postgres {made_by}, or give up "
                f"the local branches: rm -r {self.home}",
            )
