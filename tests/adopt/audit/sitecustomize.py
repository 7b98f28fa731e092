"""Count how often revisions are called: `make adopt` puts this folder on PYTHONPATH."""

from __future__ import annotations

import os
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

LOG = os.environ.get("LIMBECK_ADOPT_LOG", "")


def note(kind: str, revision: str) -> None:
    """Append a line: what was called, and where limbeck says that it runs."""
    import alembic.context  # noqa: PLC0415 - not every process has it

    config = getattr(alembic.context, "config", None)
    where = config.attributes.get("limbeck", "alembic") if config else "offline"
    with Path(LOG).open("a") as log:
        log.write(f"{where} {kind} {revision}\n")


def counted(kind: str, function: Any, revision: str) -> Any:
    """Return a function that notes each of its calls."""

    def call(*arguments: Any, **options: Any) -> Any:
        note(kind, revision)
        return function(*arguments, **options)

    return call


usual = SourceFileLoader.exec_module


def exec_module(self: Any, module: Any) -> None:
    """Execute a module, and count the calls of its functions if it is a revision."""
    usual(self, module)
    values = vars(module)
    if "down_revision" in values and "revision" in values:
        for kind in ("upgrade", "downgrade"):
            if kind in values:
                values[kind] = counted(kind, values[kind], values["revision"])


if LOG:
    SourceFileLoader.exec_module = exec_module
