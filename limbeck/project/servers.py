"""The embedded servers of a project: one for each major, with its data in a folder of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from limbeck.errors import ServerError
from limbeck.postgres.embedded import binaries, ports
from limbeck.postgres.embedded.server import Server
from limbeck.project import majors
from limbeck.project.profile import Profile
from limbeck.project.project import Project

_FOLDER = "postgres-{}"


def local(project: Project, profile: Profile | None = None) -> Server:
    """Return the server of an environment's branches on this machine; by default the usual one."""
    return server(project, majors.local(project, profile))


def server(project: Project, major: int | None = None) -> Server:
    """Return the project's server of a major; None is that of the first programs on this machine.

    The pinned port is that of the default environment's server, since two cannot share it.
    """
    chosen, port = at(project.home, major), ports.pinned()
    if port is not None and chosen.home == at(project.home, majors.local(project)).home:
        return replace(chosen, port=port)
    return chosen


def at(home: Path, major: int | None) -> Server:
    """Return the server of a major below a folder.

    The folder itself is the home of the server that runs the first programs on this machine, of
    whatever major they are; the servers of other majors live in folders inside of it.
    """
    usual = Server(home, None)
    if major is None:
        return usual
    inner = Server(home / _FOLDER.format(major), None, major=major)
    if inner.version is None and (usual.version or _version(usual)) == major:
        return replace(usual, major=major)
    return inner


def outside() -> Path:
    """Return the folder for the servers of commands outside of any project: in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "limbeck"


def every(home: Path) -> Iterator[Server]:
    """Yield the servers below a folder that have data, the usual one first."""
    usual = Server(home, None)
    if usual.data.exists():
        yield usual
    for folder in sorted(home.glob(_FOLDER.format("*"))):
        number = re.fullmatch(r"postgres-(\d+)", folder.name)
        if number and (other := Server(folder, None, major=int(number[1]))).data.exists():
            yield other


def left(project: Project, server: Server) -> Server | None:
    """Return the usual server if its branches stay behind, because another one is now created."""
    usual = Server(project.home, None)
    behind = server.version is None and usual.version not in (None, server.major)
    return usual if behind else None


def stop(home: Path) -> bool:
    """Stop every server below a folder, the containers too; return whether one was running."""
    from limbeck.postgres import container  # noqa: PLC0415 - few commands need it

    stopped = [server.stop() for server in every(home)]
    stopped += [each.stop() for each in container.known(home)]
    return any(stopped)


def ready(server: Server) -> bool:
    """Return whether a server runs or could be started: its programs are installed."""
    if server.running():
        return True
    try:
        server.find_binaries()
    except ServerError:
        return False
    return True


def _version(server: Server) -> int | None:
    """Return the major of the programs that a new server would run; None without programs."""
    try:
        return binaries.major(server.find_binaries())
    except (ServerError, OSError):
        return None
