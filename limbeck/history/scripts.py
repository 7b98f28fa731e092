"""Open the revision files with Alembic, and import them."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError

from limbeck.errors import HistoryError
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.paths import shown
from limbeck.project.code.in_process import InProcess


class Directory(ScriptDirectory):
    """Alembic's directory of the revision files that a history has."""

    def __init__(self, history: History, **options: Any) -> None:
        super().__init__(str(history.script_location), **options)
        self.history = history

    def _load_revisions(self) -> Iterator[Script]:
        # Alembic would list the folder and import every file of it. To order revisions, it needs
        # only what is written above their functions.
        for revision in self.history.revisions():
            head: Any = SimpleNamespace(
                __doc__=revision.doc,
                path=revision.path,
                upgrade=None,  # `module` has the functions
                downgrade=None,
                down_revision=revision.down or None,
                branch_labels=revision.labels,
                # Alembic would take the revisions of the other part for those of this table.
                depends_on=tuple(each for each in revision.needs if each not in revision.across)
                or None,
            )
            yield Script(head, revision.id, revision.path)


def directory(history: History) -> ScriptDirectory:
    """Open the revision files with Alembic; names of new files are as alembic.ini says."""
    config = configuration(history)
    # Revisions may import modules of the project.
    sys.path[:0] = [
        path for path in config.get_prepend_sys_paths_list() or () if path not in sys.path
    ]
    length = config.get_alembic_option("truncate_slug_length")
    try:
        return Directory(
            history,
            file_template=config.get_alembic_option("file_template", "%(rev)s_%(slug)s"),
            truncate_slug_length=int(length) if length else None,
            version_locations=[str(folder) for folder in history.folders],
            timezone=config.get_alembic_option("timezone"),
        )
    except CommandError as error:
        raise HistoryError(str(error), hint="Run `limbeck init`.") from error


def configuration(history: History) -> Config:
    """Return the ini file of a history; its URL, if any, is never used."""
    project = history.project
    ini = (project and project.ini) or history.script_location.parent / "alembic.ini"
    if not ini.exists():
        return Config()
    return Config(str(ini), ini_section=project.section if project else "alembic")


def script(directory_: ScriptDirectory, revision: Revision) -> Script:
    """Return a revision as Alembic's script, without its functions; see `module`.

    Raises:
        HistoryError: Alembic does not find it.

    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about duplicate ids: History refuses them itself
            return directory_.get_revision(revision.id)
    except CommandError as error:
        raise HistoryError(str(error)) from error


def module(history: History, revision: Revision) -> ModuleType:
    """Import a revision file into a new module, whether it was imported before or not.

    Raises:
        HistoryError: it cannot be imported; the message begins with file:line.

    """
    try:
        return InProcess(history.script_location.parent).revision(revision.path)
    except Exception as error:
        raise HistoryError(
            f"{where(error, history.top)}: {type(error).__name__}: "
            f"{error.msg if isinstance(error, SyntaxError) else error}",
            hint="Correct the revision file; nothing was run.",
        ) from error


def where(error: BaseException, folder: Path) -> str:
    """Return file:line of the innermost line in a folder that an exception passed through."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{shown(Path(error.filename))}:{error.lineno or 1}"
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    if not inside:
        return shown(folder)
    return f"{shown(Path(inside[-1].filename))}:{inside[-1].lineno}"
