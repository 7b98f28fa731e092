"""Choose where a project's code runs: in limbeck's own process, or in the project's interpreter."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError
from limbeck.project.code import env_file, interpreter
from limbeck.project.code.place import Place

if TYPE_CHECKING:
    from limbeck.project.code.configured import Configured
    from limbeck.project.code.out_of_process import OutOfProcess
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
        afresh: whether to import the models in a worker, which can be replaced.
        loops: whether limbeck runs the loop over tenants that env.py has, instead of env.py.

    """

    root: Path
    place: Place
    models: str = ""
    python: str | None = None
    variables: str | None = None
    afresh: bool = False
    loops: bool = False
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
        from dotenv import dotenv_values  # noqa: PLC0415 - few projects have the setting

        return tuple((name, value) for name, value in dotenv_values(path).items() if value)

    def of_models(self) -> UserCode:
        """Return the way to the models."""
        return self._chosen(self.models_outside)

    def of_revisions(self, imported: Iterable[str], *, connects: bool = False) -> UserCode:
        """Return the way to revisions that import these modules.

        A revision that imports the project's own modules may change the models, or be changed by
        what the models have imported. One that creates an engine of its own must not write to
        another database while it is replayed. Both need a process of their own.
        """
        own = sorted(name for name in set(imported) if self._is_own(name))
        reasons = [f"a revision imports {name}" for name in own]
        reasons += ["a revision creates an engine"] if connects else []
        return self._chosen(self.outside or next(iter(reasons), ""))

    def start_for_revisions(self) -> bool:
        """Start the worker for revisions if env.py has to run in any case; return whether it has.

        It imports the project while limbeck imports itself.
        """
        if not self.is_plain:
            self._outside.prepare("revisions")
        return not self.is_plain

    def configured(
        self,
        url: Callable[[], str],
        purpose: str = "models",
        meanwhile: Iterable[object] = (),
    ) -> Configured:
        """Return what env.py configures; it runs only if its text says that there is something.

        Args:
            url: returns the URL of a database for it, on which it may only read.
            purpose: of the worker in which it runs.
            meanwhile: what to do until the worker has the answer, in pieces.

        Raises:
            ConfigurationError: it fails.

        """
        if not self._env:
            from limbeck.project.code.configured import Configured  # noqa: PLC0415 - one class less

            return Configured()
        process = self._outside.process(purpose)
        if process.configured is None:
            process.configured = self._outside.configured(process, url(), meanwhile)
        return process.configured

    def allows(self, schema: str, table: str) -> bool:
        """Return whether env.py's filters let a table through; `configured` was called before."""
        return bool(self._outside.process("models").request("allows", schema=schema, table=table))

    @property
    def is_plain(self) -> bool:
        """Whether env.py has nothing that `configured` would return."""
        return not self._env

    @cached_property
    def env_text(self) -> str:
        """The text of env.py, if it has a say in what is compared."""
        path = Path(self.place.script_location, "env.py")
        return path.read_text(encoding="utf-8") if self._env else ""

    @cached_property
    def _env(self) -> str:
        """What env.py does beyond configuring a connection."""
        if self.models == env_file.OWN:
            return "the models are those that env.py names"
        if self.loops and env_file.loops(Path(self.place.script_location) / "env.py"):
            return ""  # it would find no tenant on the shadow
        return env_file.beyond(Path(self.place.script_location) / "env.py", self.models)

    @cached_property
    def _outside(self) -> OutOfProcess:
        reason = self.outside or self._env
        return self._worker(reason)

    @cached_property
    def outside(self) -> str:
        """Why the project's code cannot run in this process; "" if it can."""
        if not interpreter.is_own(self.interpreter):
            return f"the project's interpreter is {self.interpreter}"
        if self.variables is not None:
            return "the setting env-file has variables"
        return self._env

    @property
    def models_outside(self) -> str:
        """Why the models cannot be imported into this process; "" if they can."""
        return self.outside or ("they are imported at each save" if self.afresh else "")

    def _chosen(self, reason: str) -> UserCode:
        if reason not in self._by_reason:
            self._by_reason[reason] = self._worker(reason) if reason else self._in_process()
        return self._by_reason[reason]

    def _in_process(self) -> UserCode:
        # `pull` of a URL and many others run none of the project's code.
        from limbeck.project.code.in_process import InProcess  # noqa: PLC0415 - as above

        return InProcess(self.root, self.place.paths)

    def _worker(self, reason: str) -> OutOfProcess:
        # Most projects share limbeck's environment and need none of it.
        from limbeck.project.code.out_of_process import OutOfProcess  # noqa: PLC0415 - as above

        return OutOfProcess(
            self.root, self.interpreter, self.place, reason, self.environment, bool(self._env)
        )

    def _is_own(self, module: str) -> bool:
        if module in sys.stdlib_module_names or module in {"alembic", "limbeck"}:
            return False
        folders = (self.root, self.root / "src", *map(Path, self.place.paths))
        return any((f / module).is_dir() or (f / f"{module}.py").is_file() for f in folders)
