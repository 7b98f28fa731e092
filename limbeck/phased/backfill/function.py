"""The user's own function of a row."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from limbeck.errors import ConfigurationError, LimbeckError
from limbeck.phased.backfill.planning import Task
from limbeck.project.project import Project

Function: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""Told a row by its columns, gives the new values by theirs; of a single one, it may be bare."""


def load(project: Project, task: Task) -> Function:
    """Import the function that a backfill names, with the project's folder on sys.path.

    Raises:
        ConfigurationError: it does not import, or is no function.

    """
    reference = task.backfill.python or ""
    name, _, attribute = reference.partition(":")
    for folder in (project.root / "src", project.root):
        if str(folder) not in sys.path and folder.is_dir():
            sys.path.insert(0, str(folder))
    try:
        found: Function = getattr(importlib.import_module(name), attribute)
    except Exception as error:
        raise ConfigurationError(
            f'{task}: "{reference}" does not import: {type(error).__name__}: {error}',
            hint='"python": "app.backfills:function", a function in a module of the project',
        ) from error
    return found


def values(function: Function, task: Task, row: Mapping[str, Any], place: str) -> list[Any]:
    """Return what a function gives for a row, in the order of the columns that are set.

    `place` says which row it is, should it go wrong.

    Raises:
        LimbeckError: it raised, or gave other columns than it should.

    """
    columns = task.backfill.columns
    try:
        given = function(row)
    except Exception as error:
        raise LimbeckError(
            f"{task}: {task.backfill.python} raised {type(error).__name__} at {place}: {error}",
            hint="Correct it, and run the same command again: it goes on where it stopped.",
        ) from error
    if not isinstance(given, Mapping):
        given = {columns[0]: given} if len(columns) == 1 else {}
    if set(given) != set(columns):
        raise LimbeckError(
            f"{task}: {task.backfill.python} gave {', '.join(map(str, given)) or 'no mapping'}",
            hint=f"It has to return a mapping with {', '.join(columns)}.",
        )
    return [given[column] for column in columns]
