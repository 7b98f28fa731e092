"""`limbeck push --watch` pushes at every save, survives what is wrong, and ends with Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Final

from tests.acceptance.workplace import BIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.workplace import Workplace

PATIENCE: Final = 60.0


def lines(output: Path) -> Iterator[str]:
    """Yield the lines of a growing file, as they come."""
    seen, deadline = 0, time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        whole = output.read_text().rpartition("\n")[0].splitlines()
        for line in whole[seen:]:
            yield line
            deadline = time.monotonic() + PATIENCE
        seen = len(whole)
        time.sleep(0.05)


def test_every_save_is_pushed_and_errors_wait_for_the_next_one(
    project: Workplace, tmp_path: Path
) -> None:
    project.good("migrate", "-e", "development")
    models, output = project.root / "app" / "models" / "books.py", tmp_path / "output"
    text = models.read_text()
    with output.open("w") as stream:
        watching = subprocess.Popen(
            [str(BIN / "limbeck"), "push", "-e", "development", "--watch"],
            cwd=project.root,
            env={**os.environ, **project.variables},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    heard = lines(output)
    assert next(heard).endswith("No changes (2 tables).")
    models.write_text(text + "    isbn: Mapped[str | None]\n")
    assert next(heard).endswith(": add isbn to books")
    models.write_text(text + "    isbn: Mapped[str | None]\n    pages: Mapped[Int | None]\n")
    assert "app/models/books.py line " in next(heard)
    assert next(heard) == "Hint: Correct it and retry."
    models.write_text(text + "    isbn: Mapped[str | None]\n    pages: Mapped[int | None]\n")
    assert next(heard).endswith(": add pages to books")
    models.write_text(text + "    isbn: Mapped[str | None]\n")
    assert next(heard) == "Error: this change loses data; nothing was changed:"
    assert "public.books.pages" in next(heard)
    assert next(heard) == "Hint: Accept the loss with --allow-drop."
    models.with_name("shelves.py").write_text("# a new file is looked at, too\n")
    assert "loses data" in next(heard)
    watching.send_signal(signal.SIGINT)
    assert watching.wait(timeout=PATIENCE) == 0

    protected = project.run("push", "-e", "production", "--watch")
    assert (protected.code, "production is protected" in protected.err) == (2, True)
    assert project.run("push", "--watch", "--sql").code == 2
