"""Use a project without writing into its folder, for `limbeck init`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from limbeck.project import servers
from limbeck.project.project import Project

BYTECODE = "PYTHONDONTWRITEBYTECODE"


@contextmanager
def apart(project: Project) -> Iterator[Project]:
    """Yield the project with limbeck's own files in a temporary folder.

    At the end the servers that were started there are stopped, and the folder is deleted.
    """
    folder = Path(tempfile.mkdtemp(prefix="limbeck-init-"))
    # Postgres does not run as root, so another account has to reach the data in there. The names
    # inside are known to it, and the password has permissions of its own.
    folder.chmod(0o711)
    moved = replace(project, files=folder / ".limbeck")
    try:
        with _without_bytecode():
            yield moved
    finally:
        servers.stop(moved)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _without_bytecode() -> Iterator[None]:
    """Import the project's modules without __pycache__ beside them, here and in its interpreter."""
    before, variable = sys.dont_write_bytecode, os.environ.get(BYTECODE)
    sys.dont_write_bytecode, os.environ[BYTECODE] = True, "1"
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
        if variable is None:
            del os.environ[BYTECODE]
        else:
            os.environ[BYTECODE] = variable
