"""User code run by a worker in the project's own interpreter: one implementation of `UserCode`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError, HistoryError, LimbeckError, ModelsError
from limbeck.project.code.answers import Described, Rendered
from limbeck.project.code.configured import Configured
from limbeck.project.code.errors import WorkerError, is_below
from limbeck.project.code.in_process import InProcess
from limbeck.project.code.place import Place
from limbeck.project.code.process import Process, end_all, started
from limbeck.project.code.protocol import LIMIT, Purpose

if TYPE_CHECKING:
    from sqlalchemy import MetaData


@dataclass(frozen=True, slots=True)
class OutOfProcess:
    """The Python files of a project, in its interpreter.

    `reason` says why they are not imported into limbeck's own process. `variables` are those of
    the setting `env-file`. `runs_env` says whether env.py has a say in the models.
    """

    root: Path
    python: Path
    place: Place
    reason: str
    variables: tuple[tuple[str, str], ...] = ()
    runs_env: bool = True

    def process(self, purpose: str) -> Process:
        """Return the worker for a purpose, started if it does not run yet."""
        return started(self.python, self.root, purpose, self.variables, self.place.paths)

    def prepare(self, purpose: str) -> None:
        """Start the worker, which imports what it needs while limbeck goes on."""
        self.process(purpose)

    def expect(self, revisions: Sequence[Path]) -> None:
        """Let the worker import the files of revisions that will run next."""
        self.process("revisions").tell("expect", paths=[str(path) for path in revisions])

    def metadata(self, reference: str) -> MetaData:
        """Return the tables of the models at "module:attribute", imported into this process.

        Only changing the source of existing models needs them as Python objects.

        Raises:
            ConfigurationError: this process cannot import them.

        """
        try:
            return InProcess(self.root, self.place.paths).metadata(reference)
        except ModelsError as error:
            raise ConfigurationError(
                f"to change existing models, limbeck has to import them itself: {error.message}",
                hint=f"Install limbeck beside them: {self.python} -m pip install limbeck",
            ) from error

    def namespace(self, module: str, purpose: Purpose) -> Mapping[str, Any]:
        """Return the names of a module with their values, imported into this process."""
        return InProcess(self.root, self.place.paths).namespace(module, purpose)

    def models(self, reference: str, server: int, url: str) -> Described:
        """Return the models as statements, after env.py has run, if it may import more of them.

        Args:
            reference: "module:attribute"; "" is env.py's own target_metadata.
            server: server_version_num of the server for which they are written.
            url: a database for env.py.

        Raises:
            ConfigurationError: there is no such module or attribute, or it is not a MetaData.
            ModelsError: the models raise while they are imported; names the file and line.

        """
        arguments: dict[str, Any] = {
            "reference": reference,
            "server": server,
            "url": url,
            "limit": LIMIT,
        }
        try:
            answer = self.process("models").request(
                "metadata", place=self.place._asdict() if self.runs_env else None, **arguments
            )
        except WorkerError as error:
            raise self._explained(error, "the models do not import", ModelsError) from error
        return Described(
            tuple(answer["statements"]),
            tuple(answer["schemas"]),
            tuple(
                (schema, name, place, tuple(labels))
                for schema, name, place, labels in answer["enums"]
            ),
            answer["read"],
            answer["began"],
        )

    def configured(
        self, process: Process, url: str, meanwhile: Iterable[object] = ()
    ) -> Configured:
        """Return what env.py configures, run in a worker on a database.

        Args:
            process: the worker.
            url: the database.
            meanwhile: what to do until the worker has the answer, in pieces.

        Raises:
            ConfigurationError: it raises, or does not come to its migrations.

        """
        arguments: dict[str, Any] = {"place": self.place._asdict(), "url": url, "limit": LIMIT}
        try:
            answer = process.request("describe", meanwhile=meanwhile, **arguments)
        except WorkerError as error:
            raise self._explained(error, "env.py fails", ConfigurationError) from error
        return Configured(**{**answer, "unknown": tuple(answer["unknown"])})

    def opened(  # noqa: PLR0913 - where, on what terms
        self,
        process: Process,
        url: str,
        folder: Path,
        *,
        again: bool,
        live: bool,
        meanwhile: Iterable[object] = (),
    ) -> dict[str, Any]:
        """Run env.py on a database up to its migrations; return what its connection is.

        Args:
            process: the worker.
            url: the database.
            folder: the folder of the revision files.
            again: whether to go on with what `op` has created there in the last run.
            live: whether engines that a revision creates may connect where they say.
            meanwhile: what to do until env.py has run, in pieces.

        Raises:
            ConfigurationError: env.py raises, or does not come to its migrations.

        """
        arguments: dict[str, Any] = {
            "place": self.place._asdict(),
            "url": url,
            "folder": str(folder),
        }
        try:
            answer = process.request(
                "session", meanwhile=meanwhile, again=again, live=live, **arguments
            )
        except WorkerError as error:
            raise self._explained(error, "env.py fails", ConfigurationError) from error
        if answer is None:
            raise ConfigurationError(
                f"{self.place.script_location}/env.py runs no migrations",
                hint="It must call context.run_migrations().",
            )
        opened: dict[str, Any] = answer["opened"]
        return opened

    def close(self, process: Process) -> None:
        """Let env.py come to its end."""
        try:
            process.request("close")
        except WorkerError as error:
            raise self._explained(error, "env.py fails", ConfigurationError) from error

    def kill(self, process: Process) -> None:
        """End a worker that may be in the middle of a statement; the server notices it."""
        process.kill()
        end_all()

    def rendered(self, path: Path, starting: tuple[str, ...], *, downgrade: bool) -> Rendered:
        """Return a revision as SQL.

        Args:
            path: its file.
            starting: the revisions that a database is at before it.
            downgrade: render `downgrade` instead of `upgrade`.

        Raises:
            HistoryError: the file cannot be imported.

        """
        arguments: dict[str, Any] = {
            "path": str(path),
            "starting": list(starting),
            "downgrade": downgrade,
        }
        try:
            answer = self.process("revisions").request(
                "offline", place=self.place._asdict(), **arguments
            )
        except WorkerError as error:
            raise HistoryError(
                f"{error.line(path.parent) or path}: {error}",
                hint="Correct the revision file; nothing was run.",
            ) from error
        return Rendered(answer["text"], answer["steps"], answer["error"])

    def _explained(self, error: WorkerError, what: str, kind: type[LimbeckError]) -> LimbeckError:
        from limbeck.project.code import variables  # noqa: PLC0415 - most imports succeed

        if error.raised.kind in {"driver", "missing"}:
            return ConfigurationError(error.raised.text, hint=_INTERPRETER)
        if error.raised.kind in {"reference", "ended"}:
            return ConfigurationError(error.raised.text, hint=_SETTING)
        if error.raised.variable:
            variable = f"the environment variable {error.raised.variable} is not set"
            return kind(
                f"{what}: {self._line(error)}{variable}",
                hint=variables.hint([error.raised.variable]),
            )
        missing = f"Install the package that provides {error.raised.missing} into {self.python}."
        hint = missing if error.raised.missing else "Correct it and retry."
        files = [file for file, _ in error.raised.frames if is_below(file, self.root)]
        environment = {**dict(self.variables), **os.environ}
        if not error.raised.missing and (
            names := variables.missing(error.raised.text, files, environment)
        ):
            hint = variables.hint(names)
        return kind(f"{what}: {self._line(error)}{error}", hint=hint)

    def _line(self, error: WorkerError) -> str:
        own = [each for each in error.raised.frames if is_below(each[0], self.root)]
        return f"{Path(own[-1][0]).relative_to(self.root)} line {own[-1][1]}: " if own else ""


_INTERPRETER = (
    "Install it there, or name the project's interpreter in pyproject.toml: [tool.limbeck] python."
)
_SETTING = "Look at [tool.limbeck] models and python in pyproject.toml."
