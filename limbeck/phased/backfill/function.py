"""Imports and calls the user's Python function that computes backfill values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from limbeck.errors import ConfigurationError, LimbeckError
from limbeck.phased.backfill.planning import Task
from limbeck.project.code.protocol import Purpose
from limbeck.project.project import Project

Function: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""Takes a row as a mapping; returns the new values as a mapping, or a single value bare."""


def load(project: Project, task: Task) -> Function:
    """Return the function that a backfill names, with the project's folder on sys.path.

    Raises:
        ConfigurationError: it cannot be imported.

    """
    reference = task.backfill.python or ""
    name, _, attribute = reference.partition(":")
    hint = 'Name a function in a module of the project: "python": "app.backfills:function".'
    purpose = Purpose(f"{task}: its functions", hint, ConfigurationError)
    names = project.code.of_models().namespace(name, purpose)
    if attribute not in names:
        raise ConfigurationError(f"{task}: {name} has no function {attribute}", hint=hint)
    function: Function = names[attribute]
    return function


def values(function: Function, task: Task, row: Mapping[str, Any], place: str) -> list[Any]:
    """Return the values of a function for a row, in the order of the backfill's columns.

    Args:
        function: The user's function.
        task: The backfill.
        row: The row by column.
        place: The row's key, for error messages.

    Raises:
        LimbeckError: the function raised an exception, or returned other columns.

    """
    columns = task.backfill.columns
    try:
        given = function(row)
    except Exception as error:
        raise LimbeckError(
            f"{task}: {task.backfill.python} raised {type(error).__name__} at {place}: {error}",
            hint="Correct it and run the same command again: it continues where it stopped.",
        ) from error
    if not isinstance(given, Mapping):
        given = {columns[0]: given} if len(columns) == 1 else {}
    if set(given) != set(columns):
        raise LimbeckError(
            f"{task}: {task.backfill.python} returned {', '.join(map(str, given)) or 'no mapping'}",
            hint=f"Return a mapping with {', '.join(columns)}.",
        )
    return [given[column] for column in columns]
