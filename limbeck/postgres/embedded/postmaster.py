"""A running Postgres as its lock file postmaster.pid tells it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from limbeck.errors import ServerError

# Seconds a fast shutdown may take before the server is ended the hard way.
PATIENCE = 30.0
# No system counts its processes so far.
NOBODY = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The server's first process; ready means that it accepts connections."""

    pid: int
    port: int | None
    ready: bool


def read(data: Path) -> Postmaster | None:
    """Give the server of a data folder, or None when none runs; starts no process.

    The file's lines are: pid, folder, start time, port, socket folder, address, shared memory,
    status (src/include/utils/pidfile.h); it is written line by line as the server starts.

    Raises:
        ServerError: the folder belongs to somebody else, so nothing can be known.
    """
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise ServerError(
            f"{data} belongs to another user",
            hint=f"run the command as that user or as root, or: sudo rm -r {data.parent}",
        ) from error
    if not lines or not _alive(int(lines[0]), data):
        return None
    port = int(lines[3]) if len(lines) > 3 else None  # noqa: PLR2004 - the fourth line
    ready = len(lines) > 7 and lines[7].strip() == "ready"  # noqa: PLR2004 - the eighth
    return Postmaster(int(lines[0]), port, ready)


def end(postmaster: Postmaster, data: Path) -> None:
    """Stop a server, first asking its sessions to end, and wait until it is gone.

    Raises:
        ServerError: it belongs to another user, or does not end.
    """
    for request in (signal.SIGINT, signal.SIGQUIT):
        try:
            os.kill(postmaster.pid, request)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise ServerError(
                f"the local server (process {postmaster.pid}) belongs to another user",
                hint="run the command as that user or as root",
            ) from error
        if _gone(postmaster.pid, data):
            return
    raise ServerError(f"the local server (process {postmaster.pid}) does not end")


def disown(data: Path) -> None:
    """Where the lock file's number is another program's by now, write one that nobody has.

    Postgres would take that program for its own server when both run as one user. The file stays
    for its shared memory key, by which Postgres knows backends that outlived their server.
    """
    file = data / "postmaster.pid"
    if file.exists() and read(data) is None:
        _, _, rest = file.read_text().partition("\n")
        file.write_text(f"{NOBODY}\n{rest}")


def _gone(pid: int, data: Path) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # it may be a child of ours
        if not _alive(pid, data):
            return True
        time.sleep(0.005)
    return False


def _alive(pid: int, data: Path) -> bool:
    """Tell whether the process exists and is the server of this folder.

    After a kill -9 the file stays, and its number may by now be another program's.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return not Path("/proc/self").exists()
    if not arguments[0].endswith(b"postgres") or b"-D" not in arguments:
        return False
    folder = Path(os.fsdecode(arguments[arguments.index(b"-D") + 1]))
    # A folder that is no longer there was moved while its server ran.
    return not folder.exists() or folder.samefile(data)
