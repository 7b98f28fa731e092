"""What a tool has to know to take part: its installation, and its command for each work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from measure import Command
from sites import Site

INSTALL = 600  # seconds


def nothing(turn: int) -> None:
    """Leave everything as it is."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A tool at some work: `ready` prepares a turn and returns its command, `undo` cleans up.

    Only the command is timed.
    """

    ready: Callable[[int], Command]
    undo: Callable[[int], None] = nothing


def always(command: Command) -> Contender:
    """Return a contender that needs no preparation."""
    return Contender(lambda _: command)


def fresh(site: Site, name: str, command: Callable[[str], Command], template: str) -> Contender:
    """Return a contender that gets a new database in each turn.

    Args:
        site: where it works.
        name: what the databases are called.
        command: makes the command of a URL.
        template: the database that is copied.

    """

    def ready(turn: int) -> Command:
        return command(site.create(f"{name}_{turn}", template))

    return Contender(ready, lambda turn: site.drop(f"{name}_{turn}"))


class Peer:
    """A tool. `cannot` says why it does not do some work; `most` is the largest size for it."""

    name: ClassVar[str]
    cannot: ClassVar[Mapping[str, str]] = {}
    most: ClassVar[Mapping[str, int]] = {}

    def install(self, cache: Path) -> str:
        """Install it below the folder, unless it is there; return its version."""
        raise NotImplementedError

    def prepare(self, site: Site) -> None:
        """Set it up at a site."""

    def contender(self, work: str, site: Site) -> Contender | None:
        """Return what it does, or None where it takes no part."""
        raise NotImplementedError


def venv(cache: Path, name: str, *requirements: str) -> Path:
    """Return the bin folder of a virtual environment with these distributions."""
    folder = cache / name
    if not _has(folder, requirements):
        succeed(sys.executable, "-m", "venv", "--clear", folder)
        pip = (folder / "bin" / "python", "-m", "pip", "install", "--quiet")
        succeed(*pip, "--disable-pip-version-check", *requirements)
        _mark(folder, requirements)
    return folder / "bin"


def version_of(bin_folder: Path, distribution: str) -> str:
    """Return the version of a distribution in a virtual environment."""
    code = f"from importlib.metadata import version; print(version({distribution!r}))"
    return succeed(bin_folder / "python", "-c", code)


def modules(cache: Path, name: str, *packages: str) -> Path:
    """Return the folder node_modules with these packages of npm."""
    folder = cache / name
    if not _has(folder, packages):
        folder.mkdir(parents=True, exist_ok=True)
        npm = ("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder)
        succeed(*npm, *packages)
        _mark(folder, packages)
    return folder / "node_modules"


def _has(folder: Path, names: Sequence[str]) -> bool:
    """Return whether an installation of exactly these has come to its end."""
    path = folder / "installed"
    return path.exists() and path.read_text() == "\n".join(names)


def _mark(folder: Path, names: Sequence[str]) -> None:
    (folder / "installed").write_text("\n".join(names))


def succeed(*words: str | Path, cwd: Path | None = None) -> str:
    """Run a command of an installation and return what it prints.

    Raises:
        RuntimeError: it has failed.

    """
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL,
        env=dict(os.environ),
        check=False,
    )
    if done.returncode:
        tail = " ".join((done.stderr + done.stdout).split())[-160:]
        raise RuntimeError(f"{words[0]}: exit {done.returncode}: {tail}")
    return done.stdout.strip()
