"""The embedded server: a Postgres below .limbeck/, started when needed and left running."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from urllib.parse import quote

from limbeck.dataclass import dataclass
from limbeck.errors import ServerError
from limbeck.events import Listener, ServerStarted, ignore
from limbeck.postgres.embedded import binaries, bundled, cluster, password, ports, postmaster
from limbeck.postgres.embedded import os_user as accounts
from limbeck.postgres.embedded.binaries import Binaries
from limbeck.postgres.embedded.launching import Launch
from limbeck.postgres.embedded.os_user import Account
from limbeck.shell import command

if sys.platform != "win32":
    import fcntl


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a server, read from its files; `pid` is None if it does not run."""

    home: Path
    pid: int | None
    port: int | None
    major: int | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A Postgres with its data in home/postgres, on 127.0.0.1 and with a random password.

    It gives up durability for speed (fsync and full_page_writes are off): a commit survives
    kill -9 of any process, but not a loss of power.

    Args:
        home: The folder for the data, the log, the password and the port.
        port: $LIMBECK_LOCAL_PORT, or else chosen once and kept in home/server.json.
        programs: A folder with Postgres' programs; by default `binaries.find` looks for one.
        major: The major version to run; by default that of the programs.

    """

    home: Path
    port: int | None = field(default_factory=ports.pinned)
    programs: Path | None = None
    major: int | None = None

    def __post_init__(self) -> None:
        """Make the home an absolute path, because Postgres starts in another folder."""
        object.__setattr__(self, "home", self.home.absolute())

    @property
    def data(self) -> Path:
        """The folder of the database cluster."""
        return self.home / "postgres"

    @property
    def log(self) -> Path:
        """The file that Postgres writes its messages to."""
        return self.home / "postgres.log"

    @property
    def known(self) -> Path:
        """The folder of notes about branches that exist, which spare a connection."""
        return self.home / "known"

    def find_binaries(self) -> Binaries:
        """Return the programs that this server runs."""
        return binaries.find(self.programs, major=self.major)

    @property
    def version(self) -> int | None:
        """The major version that made the data; None before the first start."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except (OSError, ValueError):
            return None

    def running(self) -> bool:
        """Return whether the server accepts connections, by its lock file: no process starts."""
        server = postmaster.read(self.data)
        return server is not None and server.ready

    def status(self) -> Status:
        """Return the state of the server."""
        server = postmaster.read(self.data)
        pid = server.pid if server else None
        return Status(self.home, pid, ports.saved(self.home), self.version)

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one database, with the password.

        Raises:
            ServerError: the server was never started.

        """
        try:
            secret = self._password.read_text().strip()
        except FileNotFoundError as error:
            raise self._no_password() from error
        return self._url_of(cluster.USER, secret, database)

    def shadow_url(self, database: str = "postgres") -> str:
        """Return the URL of one database for the role of scratch databases, which is no superuser.

        The server must be running. One that an earlier version of limbeck started has no such role
        yet; it is created here.

        Raises:
            ServerError: the server was never started, or limbeck cannot log in.

        """
        if not self._shadow_password.exists():
            with self._lock():
                if not self._shadow_password.exists():
                    program = self.find_binaries().program("postgres")
                    account = accounts.choose(self.data, program)
                    bundled.install(self.home / "extensions", account)
                    self._prepare_role(account)
        secret = self._shadow_password.read_text().strip()
        return self._url_of(cluster.SHADOW_USER, secret, database)

    def hand_over(self, database: str) -> str:
        """Make the role of scratch databases the owner of a copy; return the copy's URL for it.

        Raises:
            ServerError: limbeck cannot log in.

        """
        from limbeck.postgres.embedded import shadow_role  # noqa: PLC0415 - psycopg is slow

        url = self.shadow_url(database)
        shadow_role.take_over(self.url(database))
        return url

    def holds(self, oid: int) -> bool:
        """Return whether a database of this oid exists, without asking the server.

        Each has a folder of that name: Postgres manual, 66.1 Database File Layout.
        """
        return (self.data / "base" / str(oid)).is_dir()

    def forget(self) -> None:
        """Delete the notes about existing branches."""
        import shutil  # noqa: PLC0415 - most commands find the server running

        shutil.rmtree(self.known, ignore_errors=True)

    def start(self, listen: Listener = ignore) -> None:
        """Start the server unless it runs; create its data first if there are none.

        Raises:
            ServerError: it does not start; the message says why, the hint what to do.

        """
        # Most commands find it running. They take no lock, so none waits for another's start.
        if self._serves():
            return
        try:
            self._make_home()
            with self._lock() as lock:
                # Another command may have started it while this one waited for the lock.
                if not self._serves():
                    self._start(lock, listen)
        except OSError as error:
            raise cluster.trouble(str(error), self.home) from error

    def stop(self) -> bool:
        """Stop the server and end its sessions; return whether it was running."""
        if not self.home.exists():
            return False
        with self._lock():
            server = postmaster.read(self.data)
            if server is not None:
                postmaster.end(server, self.data)
            return server is not None

    @property
    def _password(self) -> Path:
        return self.home / "password"

    @property
    def _shadow_password(self) -> Path:
        return self.home / "shadow-password"

    def _no_password(self) -> ServerError:
        if self.data.exists():
            return ServerError(
                f"{self._password} is missing, and nobody can log in without it",
                hint="To delete the local branches: limbeck local stop, then "
                + command("rm", "-r", self.home),
            )
        return ServerError("the local server was never started", hint="limbeck local start")

    def _serves(self) -> bool:
        server = postmaster.read(self.data)
        return server is not None and server.ready and self.port in (None, server.port)

    def _make_home(self) -> None:
        missing = [each for each in (self.home, *self.home.parents) if not each.exists()]
        try:
            self.home.mkdir(parents=True)
        except FileExistsError:
            return  # from an earlier start, or from a command that runs now
        # The password must not be committed, even if the project does not ignore this folder.
        (self.home / ".gitignore").write_text("*\n")
        # `sudo limbeck` in a user's project: the user has to be able to start the server later.
        above = missing[-1].parent.stat()
        if hasattr(os, "geteuid") and os.geteuid() == 0 and above.st_uid != 0:
            for path in (*missing, self.home / ".gitignore"):
                os.chown(path, above.st_uid, above.st_gid)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[int]:
        """Keep other commands from starting or stopping this server inside of the block."""
        # The folder itself is locked: a lock file could be deleted, and the kernel gives this
        # lock back when the last process that has it open ends, however it ends.
        handle = os.open(self.home, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)

    def _start(self, lock: int, listen: Listener) -> None:
        from limbeck.stages import waiting  # noqa: PLC0415 - most commands find it running

        programs = self.find_binaries()
        # Before initdb: who runs Postgres must own the data, and be able to reach them.
        account = accounts.choose(self.data, programs.program("postgres"))
        version = binaries.major(programs)
        created = not self.data.exists()
        if created:
            with waiting(listen, f"creating the embedded Postgres {version}"):
                self._initialise(programs, version, account, lock)
        self._check_version(version, programs)
        self._stop_on_other_port()
        bundled.install(self.home / "extensions", account)
        launch = Launch(
            self.home,
            self.data,
            self.log,
            self.port,
            programs.program("postgres"),
            version,
            account,
        )
        with waiting(listen, f"starting the embedded Postgres {version}"):
            port = launch.run(listen)
        if password.is_weak(self.data):
            password.strengthen(self.data, self.url())
        with contextlib.suppress(ServerError):  # the command that needs the role reports why
            self._prepare_role(account)
        listen(ServerStarted(port, created))

    def _prepare_role(self, account: Account) -> None:
        """Create or repair the role of scratch databases, and then save its password."""
        from limbeck.postgres.embedded import shadow_role  # noqa: PLC0415 - psycopg is slow

        file = self._shadow_password
        if not file.exists():
            file = self.home / "shadow-password.new"
            password.write(file, account)
        shadow_role.prepare(self.url(), file)
        file.replace(self._shadow_password)

    def _url_of(self, user: str, secret: str, database: str) -> str:
        server = postmaster.read(self.data)
        port = server.port if server else ports.saved(self.home)
        return f"postgresql://{user}:{secret}@127.0.0.1:{port}/{quote(database, safe='')}"

    def _stop_on_other_port(self) -> None:
        """Stop a server that runs already when a pinned port is not the one it listens on."""
        server = postmaster.read(self.data)
        if server is not None and self.port not in (None, server.port):
            postmaster.end(server, self.data)

    def _initialise(self, programs: Binaries, version: int, account: Account, lock: int) -> None:
        """Create the data in a temporary folder and rename it: `data` is missing or complete."""
        import shutil  # noqa: PLC0415 - as in forget()
        import subprocess  # noqa: PLC0415 - the same
        import tempfile  # noqa: PLC0415 - the same

        for leftover in self.home.glob("new-*"):
            shutil.rmtree(leftover)
        # Before the data: data without their password would lock everybody out.
        password.write(self._password, account)
        self._shadow_password.unlink(missing_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="new-", dir=self.home))
        account.own(folder)
        arguments = cluster.initdb_arguments(folder, self._password, version)
        result = subprocess.run(  # noqa: S603 - initdb itself, with arguments of ours
            account.command(programs.program("initdb"), *arguments),
            **account.options(),
            capture_output=True,
            text=True,
            check=False,
            # If this command is killed, initdb keeps the lock: the next one must not delete the
            # folder that it still writes to.
            pass_fds=(lock,),
        )
        if result.returncode != 0:
            shutil.rmtree(folder)
            raise cluster.trouble(result.stderr, self.home)
        folder.rename(self.data)

    def _check_version(self, version: int, programs: Binaries) -> None:
        # Postgres would refuse as well, but could not say how to go on.
        made_by = self.version
        if made_by not in (None, version):
            raise ServerError(
                f"{self.data} was made by Postgres {made_by}, but {programs.source} has {version}",
                hint=f"Set {binaries.SETTING} to the programs of Postgres {made_by}, write "
                f"POSTGRES={made_by} into the profiles, or delete the local branches: "
                f"{command('rm', '-r', self.home)}",
            )
