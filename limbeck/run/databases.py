"""Plan many databases side by side, for `limbeck migrate --all-databases`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from limbeck.history.history import History
from limbeck.run import planning

if TYPE_CHECKING:
    from limbeck.events import Listener
    from limbeck.phased.gates.waiting import Through
    from limbeck.postgres.database import Database
    from limbeck.project.profile import Profile
    from limbeck.project.project import Project
    from limbeck.run.hooks import Hooks
    from limbeck.run.plan import Plan

AT_ONCE: Final = 8
"""How many databases are read at the same time."""


class _Options(TypedDict, total=False):
    to: str
    through: Through | None
    allow_used: bool
    from_baseline: bool
    listen: Listener


def plans(
    project: Project,
    profile: Profile,
    databases: Sequence[Database],
    *,
    hooks: Hooks = planning.NO_HOOKS,
    **options: Unpack[_Options],
) -> list[Plan]:
    """Return the plan of each database, in their order; they are read side by side.

    Args:
        project: The project, with its history.
        profile: The environment.
        databases: The databases to migrate.
        hooks: With hooks of planning, one database is planned after the other.
        options: As `plan` takes them.

    Raises:
        LimbeckError: As `plan` raises it, for the first database that it is raised for.

    """
    history = History.of(project, profile)
    each = partial(planning.plan, project, profile, hooks=hooks, history=history, **options)
    if len(databases) == 1 or hooks.before_plan or hooks.after_plan:
        return [each(database) for database in databases]
    from concurrent.futures import (  # noqa: PLC0415 - one database needs no threads
        ThreadPoolExecutor,
    )

    with ThreadPoolExecutor(AT_ONCE) as pool, history.held():
        return [*pool.map(each, databases)]
