"""Choose where a project's code runs: in limbeck's own process, or in the project's interpreter."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dotenv import dotenv_values

from limbeck.errors import ConfigurationError
from limbeck.project.code import env_file, interpreter
from limbeck.project.code.in_process import InProcess
from limbeck.project.code.out_of_process import OutOfProcess, Place
from limbeck.project.code.protocol import UserCode


@dataclass(frozen=True)
class Code:
    """Where the Python files of a project are, and how they are reached.

    Args:
        root: the folder of the project.
        place: Alembic's files.
        models: "module:attribute" of the metadata.
        python: the setting `python`.
        variables: the setting `env-file`.

    """

    root: Path
    place: Place
    models: str = ""
    python: str | None = None
    variables: str | None = None
    _by_reason: dict[str, UserCode] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def interpreter(self) -> Path:
        """The project's interpreter."""
        return interpreter.find(self.root, self.python)

    @cached_property
    def environment(self) -> tuple[tuple[str, str], ...]:
        """The variables of the file that the setting `env-file` names."""
        if self.variables is None:
            return ()
        path = self.root / self.variables
        if not path.is_file():
            raise ConfigurationError(
                f"[tool.limbeck] env-file: there is no file {path}",
                hint='Write it as in env-file = ".env"; it is relative to the project.',
            )
        return tuple((name, value) for name, value in dotenv_values(path).items() if value)

    def of_models(self) -> UserCode:
        """Return the way to the models."""
        return self._chosen(self._reason)

    def of_revisions(self, imported: Iterable[str]) -> UserCode:
        """Return the way to revisions that import these modules.

        A revision that imports the project's own modules may change the models, or be changed by
        what the models have imported; it needs a process of its own.
        """
        own = sorted(name for name in set(imported) if self._is_own(name))
        return self._chosen(self._reason or (f"a revision imports {own[0]}" if own else ""))

    @cached_property
    def _reason(self) -> str:
        """Why the project's code cannot run in this process; "" if it can."""
        if not interpreter.is_own(self.interpreter):
            return f"the project's interpreter is {self.interpreter}"
        if self.variables is not None:
            return "the setting env-file has variables"
        package = self.models.partition(":")[0].partition(".")[0]
        return env_file.beyond(Path(self.place.script_location) / "env.py", package)

    def _chosen(self, reason: str) -> UserCode:
        if reason not in self._by_reason:
            self._by_reason[reason] = (
                OutOfProcess(self.root, self.interpreter, self.place, reason, self.environment)
                if reason
                else InProcess(self.root)
            )
        return self._by_reason[reason]

    def _is_own(self, module: str) -> bool:
        if module in sys.stdlib_module_names or module in {"alembic", "limbeck"}:
            return False
        folders = (self.root, self.root / "src")
        return any((f / module).is_dir() or (f / f"{module}.py").is_file() for f in folders)
