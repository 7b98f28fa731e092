"""Keep libraries from importing what no command uses; `run` calls it before anything else."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final


def leave_out() -> None:
    """Keep what takes as long to import as a part of limbeck from being imported."""
    # Alembic imports Mako, and Mako Pygments with a dozen lexers, if it is installed: 40 ms for
    # error pages in HTML, which no command shows. Without them Mako has a fallback.
    sys.modules["mako.ext.pygmentplugin"] = None  # type: ignore[assignment]
    sys.meta_path.insert(0, _Versions())


class _Versions:
    """Finds the modules in which psycopg has its version.

    They ask importlib.metadata for it, which takes a parser of e-mails to read one line: 30 ms. The
    name of the folder beside the package says the same.
    """

    names: Final = ("psycopg.version", "psycopg_binary.version")

    def find_spec(
        self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how a module is made, or None where Python is to find it."""
        if name not in self.names or not path:
            return None
        version = _version(name.partition(".")[0], path[0])
        # importlib.abc, which has the base class, is slow to load.
        return ModuleSpec(name, _Loader(version)) if version else None  # type: ignore[arg-type]


class _Loader:
    """Makes a module of a version."""

    def __init__(self, version: str) -> None:
        self.version = version

    def create_module(self, _spec: ModuleSpec) -> None:
        """Use Python's own kind of module."""

    def exec_module(self, module: ModuleType) -> None:
        """Set the version."""
        module.__dict__["__version__"] = self.version


def _version(package: str, folder: str) -> str | None:
    """Return the version of the package in a folder; None where its neighbours do not tell."""
    start, end = f"{package}-", ".dist-info"
    beside = os.listdir(os.path.dirname(folder))  # noqa: PTH120, PTH208 - pathlib is not loaded yet
    names = [each for each in beside if each.startswith(start) and each.endswith(end)]
    return names[0].removeprefix(start).removesuffix(end) if len(names) == 1 else None
