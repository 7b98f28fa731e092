"""Where an application is adopted: its environment, a copy of its files, and databases."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from limbeck.postgres.embedded.server import Server
from tests.adopt.applications import Application

HERE = Path(__file__).parent
LIMBECK = Path(sys.executable).with_name("limbeck")
# What the shell has for its own project must not count for this one.
FOREIGN = {"VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT", "PYTHONDONTWRITEBYTECODE"}
PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
GIT = ("git", "-c", "user.name=adopt", "-c", "user.email=adopt@localhost")
IGNORED = ".venv\n__pycache__/\n.env\n"


class FailedError(Exception):
    """A command did not end as it should."""


@dataclass(frozen=True)
class Answer:
    """What a command answered, how long it took, and how much processor time."""

    code: int
    out: str
    err: str
    seconds: float
    processor: float

    @property
    def text(self) -> str:
        """Everything that it printed."""
        return self.out + self.err


@dataclass(frozen=True)
class Ground:
    """An application's project on disk, and the server of its databases."""

    application: Application
    root: Path
    server: Server
    environment: Path
    log: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def url(self, database: str) -> str:
        """Return the URL of a database, as the application spells it."""
        url = self.server.url(database)
        return re.sub(r"^\w+", f"postgresql+{self.application.driver}", url)

    def create(self, database: str) -> None:
        """Create an empty database, with what the history does not start with."""
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            name = sql.Identifier(database)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        if start := self.application.start:
            code = start.format(url=self.url(database))
            self.run([self.python, "-c", code], self.settings(database))

    @property
    def python(self) -> Path:
        """The application's interpreter."""
        return self.environment / "bin" / "python"

    def settings(self, database: str) -> dict[str, str]:
        """Return the variables that the application's env.py reads."""
        url = self.url(database)
        return {
            name: text.format(url=url, data=self.root.parent)
            for name, text in self.application.variables.items()
        }

    def alembic(self, database: str, *words: str, code: int | None = 0) -> Answer:
        """Run plain Alembic on a database, as the application's authors do."""
        variables = {
            **self.settings(database),
            "PYTHONPATH": os.pathsep.join((str(self.root), self.variables["PYTHONPATH"])),
        }
        call = [each.format(ini=self._ini(database)) for each in self.application.command]
        command: list[str | Path] = [self.python, *call, *words]
        return self.run(command, variables, cwd=self.root / self.application.folder, code=code)

    def _ini(self, database: str) -> Path:
        """Return a copy of Alembic's file with the URL of a database."""
        path = self.root / self.application.ini
        if any("{url}" in text for text in self.application.variables.values()):
            return path
        url = self.url(database).replace("%", "%%")
        text = path.read_text("utf-8")
        text = re.sub(r"(?m)^sqlalchemy\.url\s*=.*", f"sqlalchemy.url = {url}", text)
        copy = self.root.parent / f"{database}.ini"
        copy.write_text(text.replace("%(here)s", str(path.parent)), "utf-8")
        return copy

    def limbeck(self, *words: str, code: int | None = 0) -> Answer:
        """Run limbeck in the project."""
        return self.run([LIMBECK, *words], self.settings("production"), code=code)

    def run(
        self,
        command: list[str | Path],
        variables: Mapping[str, str] | None = None,
        *,
        cwd: Path | None = None,
        code: int | None = 0,
    ) -> Answer:
        """Run a program.

        Args:
            command: its words.
            variables: for its environment.
            cwd: its folder; by default the project.
            code: the exit code that it must have, if any.

        Raises:
            FailedError: it has another one.

        """
        began, spent = time.perf_counter(), processor_time()
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd or self.root,
            env={**clean(), **self.variables, **(variables or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=1200,
        )
        seconds = time.perf_counter() - began
        output = (done.stdout, done.stderr)
        answer = Answer(done.returncode, *output, seconds, processor_time() - spent)
        if code is not None and answer.code != code:
            words = " ".join((Path(command[0]).name, *map(str, command[1:6])))
            raise FailedError(f"{words}: exit {answer.code}\n{answer.text[-3000:]}")
        return answer


def adopt_orphans() -> None:
    """Become the parent of workers that outlive their limbeck by a moment: their time counts."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def processor_time() -> float:
    """Return the processor time of all programs that were run, when the last of them has ended."""
    try:
        while any(_is_worker(pid) for pid in _children()):
            time.sleep(0.01)
            for pid in filter(_is_worker, _children()):
                os.waitpid(pid, 0)
    except OSError:  # no /proc, or gone meanwhile
        pass
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _children() -> list[int]:
    return [int(pid) for pid in Path("/proc/thread-self/children").read_text().split()]


def _is_worker(pid: int) -> bool:
    """Return whether a process is a worker; of one that has ended, there is no command line."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes()
    return not words or b"worker_start.py" in words


def clean() -> dict[str, str]:
    """Return the environment without what the shell has for another project."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN and not name.startswith(("DATABASE_URL", "LIMBECK_"))
    }


def environment(application: Application, cache: Path) -> Path:
    """Return a virtual environment with an application's pins, made once.

    Raises:
        subprocess.CalledProcessError: it cannot be installed.

    """
    pins = HERE / "pins" / f"{application.name}.txt"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()[:8]
    folder = cache / f"{application.name}-{digest}"
    if not (folder / "complete").exists():
        sys.stderr.write(f"{application.name}: installing its pins into {folder}\n")
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install: list[str | Path] = [
            folder / "bin/python",
            *PIP,
            "install",
            "--no-deps",
            "--requirement",
            pins,
        ]
        subprocess.run(install, check=True)
        (folder / "complete").touch()
    return folder


def files(application: Application, cache: Path, target: Path) -> None:
    """Write an application's files into a folder, as the first commit of a repository.

    Raises:
        subprocess.CalledProcessError: they cannot be downloaded.

    """
    for source in application.sources:
        wheel = cache / "wheels" / source
        if not wheel.exists():
            download: list[str | Path] = [*PIP, "download", "--no-deps", "--dest", wheel, source]
            subprocess.run([sys.executable, *download], check=True)
        shutil.unpack_archive(next(wheel.glob("*.whl")), target, "zip")
    if not application.sources:
        shutil.copytree(HERE / "written" / application.name, target)
    for folder in target.glob("*.dist-info"):
        shutil.rmtree(folder)
    (target / ".gitignore").write_text(IGNORED)
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "as it is")):
        subprocess.run([*GIT, *words], cwd=target, check=True)


def versions(application: Application) -> dict[str, str]:
    """Return the versions that an application's pins name."""
    pins = (HERE / "pins" / f"{application.name}.txt").read_text("utf-8").splitlines()
    return {name.lower(): version for name, _, version in (pin.partition("==") for pin in pins)}
