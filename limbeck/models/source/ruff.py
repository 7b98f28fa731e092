"""The one call of ruff, which sorts the imports of and formats every file that limbeck writes."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ruff import find_ruff_bin

from limbeck.errors import LimbeckError

# Looked up once, by the thread that imports: sysconfig initialises itself without a lock.
_PROGRAM = find_ruff_bin()


class RuffError(LimbeckError):
    """Ruff refused the source or the settings of the repository."""


def ruff(folder: Path, arguments: Sequence[str], text: str = "") -> str:
    """Run ruff on a text, or on the paths among its arguments, and return its output.

    Args:
        folder: where ruff runs; it derives first-party packages and settings from there.
        arguments: the verb and its options; `-` stands for the text.
        text: Python source.

    Raises:
        RuffError: ruff cannot parse the source or its settings.

    """
    # Files instead of pipes: a pipe is fed 4 KiB at a time by a thread that has to wait for the
    # GIL each time, and pull formats in threads while the main thread renders.
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as output:
        source.write(text.encode())
        source.seek(0)
        process = subprocess.run(  # noqa: S603 - ruff itself, on text that limbeck rendered
            [_PROGRAM, arguments[0], "--no-cache", *arguments[1:]],
            cwd=folder,
            stdin=source,
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
        )
        output.seek(0)
        result, errors = (
            data.decode().replace("\r\n", "\n") for data in (output.read(), process.stderr)
        )
    if process.returncode:
        raise RuffError(
            f"ruff {arguments[0]} failed: {errors.strip() or result.strip()}",
            hint="Check the repository's settings with `ruff check`.",
        )
    return result
