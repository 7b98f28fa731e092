"""Source through ruff, in as many processes as there are processors."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ruff import find_ruff_bin

from limbeck.errors import LimbeckError

# Starting a process takes as long as ruff takes for some thousand lines.
_LEAST = 100_000


def piped(place: Path, arguments: Sequence[str], blocks: Sequence[str]) -> str:
    """Return blocks of statements as ruff writes them, two blank lines between blocks.

    Args:
        place: the folder where ruff runs.
        arguments: a verb of ruff and its options, which read standard input.
        blocks: source, in order; what ruff makes of one must not depend on the others.

    Raises:
        LimbeckError: ruff cannot read a block or its settings.

    """
    with ThreadPoolExecutor() as threads:
        made = threads.map(lambda text: run(place, arguments, text), _texts(blocks))
        return "\n\n\n".join(text.strip("\n") for text in made)


def run(place: Path, arguments: Sequence[str], text: str | None = None) -> str:
    """Run ruff in a folder and return what it prints.

    Raises:
        LimbeckError: ruff cannot read what it is to change, or its settings.

    """
    done = subprocess.run(  # noqa: S603 - ruff itself, on text just written
        [find_ruff_bin(), *arguments],
        cwd=place,
        input=text,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise LimbeckError(
            f"ruff {arguments[0]} refuses the pulled models: {said}",
            hint="Does `ruff check` accept the settings of this repository?",
        )
    return done.stdout


def _texts(blocks: Sequence[str]) -> Iterator[str]:
    """Yield the blocks as texts of about the same size, one a processor."""
    whole = sum(map(len, blocks))
    number = max(1, min(os.cpu_count() or 1, whole // _LEAST))
    text: list[str] = []
    size = 0
    for block in blocks:
        text.append(block)
        size += len(block)
        if size * number >= whole:
            yield "\n\n".join(text) + "\n"
            text, size = [], 0
    if text:
        yield "\n\n".join(text) + "\n"
