"""The process of a running Postgres, read from its lock file postmaster.pid, and its end."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.errors import ServerError
from limbeck.shell import command

# Seconds for a fast shutdown, before an immediate one.
PATIENCE = 30.0
# A process id that no system reaches.
NOBODY = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The first process of a server; `ready` means that it accepts connections."""

    pid: int
    port: int | None
    ready: bool


def read(data: Path) -> Postmaster | None:
    """Return the server of a data folder, None if none runs; no process is started.

    The file's lines are: pid, folder, start time, port, socket folder, address, shared memory,
    status (src/include/utils/pidfile.h); it is written line by line as the server starts.

    Raises:
        ServerError: the folder belongs to another user and cannot be read.

    """
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise ServerError(
            f"{data} belongs to another user",
            hint="Run the command as that user or as root, or: "
            f"{command('sudo', 'rm', '-r', data.parent)}",
        ) from error
    if not lines or not _alive(int(lines[0]), data):
        return None
    port = int(lines[3]) if len(lines) > 3 else None  # noqa: PLR2004 - the fourth line
    ready = len(lines) > 7 and lines[7].strip() == "ready"  # noqa: PLR2004 - the eighth
    return Postmaster(int(lines[0]), port, ready)


def end(postmaster: Postmaster, data: Path) -> None:
    """Stop a server and wait until it is gone: a fast shutdown, then an immediate one.

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
                hint="Run the command as that user or as root.",
            ) from error
        if _gone(postmaster.pid, data):
            return
    raise ServerError(f"the local server (process {postmaster.pid}) does not end")


def disown(data: Path) -> None:
    """Replace the process id in the lock file of a dead server with one that no process has.

    The id may belong to another program by now, which Postgres would take for its own server if
    both run as the same user. The file stays because of its shared memory key, by which Postgres
    finds backends that outlived their server.
    """
    file = data / "postmaster.pid"
    if file.exists() and read(data) is None:
        _, _, rest = file.read_text().partition("\n")
        file.write_text(f"{NOBODY}\n{rest}")


def _gone(pid: int, data: Path) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # a child stays a zombie until it is waited for
        if not _alive(pid, data):
            return True
        time.sleep(0.005)
    return False


def _alive(pid: int, data: Path) -> bool:
    """Return whether a process exists and is the server of this folder.

    After a kill -9 the file stays, and its process id may belong to another program by now.
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
    # If the folder of the command line is missing, it was moved while the server ran.
    return not folder.exists() or folder.samefile(data)
