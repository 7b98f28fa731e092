"""A Postgres of a given major in a container, for scratch databases without installed programs.

It needs the command `docker` or `podman` and an engine that answers. The container is removed when
it stops, and its data are in memory: it holds nothing but scratch databases.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.errors import ServerError
from limbeck.events import Listener, StageStarted, ignore

PROGRAMS = ("docker", "podman")
PATIENCE = 60.0  # seconds for a new container to accept connections; the image is pulled before
_FILE = "container-{}.secret"
_ANSWER = 5.0  # seconds for the engine to answer


@dataclass(frozen=True, slots=True)
class Container:
    """A container of the official image, named after the folder that its password is in."""

    program: str
    major: int
    home: Path

    @property
    def name(self) -> str:
        """The name of the container."""
        digest = hashlib.sha256(os.fsencode(self.home.absolute())).hexdigest()[:8]
        return f"limbeck-{digest}-postgres-{self.major}"

    def running(self) -> bool:
        """Return whether the container runs."""
        asked = self._run("inspect", "--format", "{{.State.Running}}", self.name)
        return asked.stdout.strip() == "true"

    def url(self) -> str:
        """Return the URL of its own database, with the password.

        Raises:
            ServerError: the container does not run.

        """
        port = self._run("port", self.name, "5432/tcp").stdout.strip().rpartition(":")[2]
        if not port:
            raise ServerError(f"the container {self.name} does not run")
        return f"postgresql://postgres:{self._password.read_text()}@127.0.0.1:{port}/postgres"

    def start(self, listen: Listener = ignore) -> str:
        """Start the container unless it runs, wait until it is ready, and return its URL.

        Raises:
            ServerError: the engine does not start it, or it does not get ready.

        """
        import psycopg  # noqa: PLC0415 - slow to import

        if not self.running():
            listen(StageStarted(f"starting Postgres {self.major} in a container"))
            self._create()
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.Error as error:
                if time.monotonic() > deadline:
                    raise ServerError(f"{self.name} does not get ready: {error}") from None
                time.sleep(0.2)
            else:
                return self.url()

    def stop(self) -> bool:
        """Stop the container, which removes it; return whether it was running."""
        return self._run("stop", self.name).returncode == 0

    @property
    def _password(self) -> Path:
        return self.home / _FILE.format(self.major)

    def _create(self) -> None:
        created = self._run(
            *("run", "--detach", "--rm", "--name", self.name, "--publish", "127.0.0.1::5432"),
            *("--tmpfs", "/limbeck", "--env", "PGDATA=/limbeck/data"),
            # The name alone: a value among the arguments would show in the list of processes.
            *("--env", "POSTGRES_PASSWORD", f"postgres:{self.major}", "-c", "fsync=off"),
            POSTGRES_PASSWORD=self._secret(),
        )
        # Another command may have created it meanwhile.
        if created.returncode != 0 and not self.running():
            raise ServerError(
                f"no Postgres {self.major} in a container: {created.stderr.strip()}",
                hint=f"{Path(self.program).name} pull postgres:{self.major}",
            )

    def _secret(self) -> str:
        """Return the password, chosen once: two commands may create the container at once."""
        self.home.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            handle = os.open(self._password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(24))
        return self._password.read_text()

    def _run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - the engine's own program, found on PATH
            [self.program, *arguments],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )


def engine(home: Path, major: int) -> Container | None:
    """Return a container of a major if an engine answers, started or not."""
    for program in filter(None, map(shutil.which, PROGRAMS)):
        try:
            asked = subprocess.run(  # noqa: S603 - as above
                [program, "version", "--format", "{{.Server.Version}}"],
                capture_output=True,
                text=True,
                check=False,
                timeout=_ANSWER,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if asked.returncode == 0 and asked.stdout.strip():
            return Container(program, major, home)
    return None


def known(home: Path) -> Iterator[Container]:
    """Yield the containers that were created for a folder, if an engine answers."""
    for path in home.glob(_FILE.format("*")):
        major = path.name.removeprefix("container-").removesuffix(".secret")
        if major.isdigit() and (created := engine(home, int(major))):
            yield created
