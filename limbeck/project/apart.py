"""Use a project without writing into its folder, for `limbeck init`."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from limbeck.postgres.embedded import ports
from limbeck.project import servers
from limbeck.project.project import Project

# Modules are imported without __pycache__ beside them, in the project's own interpreter as well. A
# pinned port is that of the project's server, which may be running.
VARIABLES: Final = {"PYTHONDONTWRITEBYTECODE": "1", ports.SETTING: None}


@contextmanager
def apart(project: Project) -> Iterator[Project]:
    """Yield the project with limbeck's own files in a temporary folder.

    At the end the servers that were started there are stopped, and the folder is deleted; also if
    the process is told to terminate.
    """
    folder = Path(tempfile.mkdtemp(prefix="limbeck-init-"))
    # Postgres does not run as root, so another account has to reach the data in there. The names
    # inside are known to it, and the password has permissions of its own.
    folder.chmod(0o711)
    moved = replace(project, files=folder / ".limbeck")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(_terminable())
        stack.enter_context(_variables())
        stack.callback(servers.stop, moved.home)
        yield moved


@contextmanager
def _terminable() -> Iterator[None]:
    """Leave the block when SIGTERM arrives, which ends a process without that."""

    def leave(number: int, _: object) -> None:
        sys.exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _variables() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in VARIABLES}
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    _set(VARIABLES)
    try:
        yield
    finally:
        _set(before)
        sys.dont_write_bytecode = bytecode


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
