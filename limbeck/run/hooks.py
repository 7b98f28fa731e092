"""Hooks: what the user wants done before and after a plan, a run and each of its revisions."""

from __future__ import annotations

import difflib
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from limbeck.errors import ConfigurationError, HookError, LimbeckError
from limbeck.paths import shown
from limbeck.project.code.protocol import Purpose

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.project.profile import Profile
    from limbeck.project.project import Project
    from limbeck.run.plan import Plan, PlannedRevision
    from limbeck.run.report import Applied, Report

BeforePlan: TypeAlias = "Callable[[Profile, Database], object]"
WithPlan: TypeAlias = "Callable[[Plan], object]"
BeforeRevision: TypeAlias = "Callable[[Plan, PlannedRevision], object]"
AfterRevision: TypeAlias = "Callable[[Plan, Applied], object]"
AfterRun: TypeAlias = "Callable[[Plan, Report], object]"
OnFailure: TypeAlias = "Callable[[Plan, Exception], object]"

_TAKES: Final = {
    "before_plan": ("profile", "database"),
    "after_plan": ("plan",),
    "before_run": ("plan",),
    "before_revision": ("plan", "revision"),
    "after_revision": ("plan", "revision"),
    "after_run": ("plan", "report"),
    "on_failure": ("plan", "error"),
}
_LIKE_A_HOOK: Final = re.compile(r"(before|after|on)_\w+")
_HOOKS: Final = Purpose(
    "the hooks",
    'Look at [tool.limbeck] hooks in pyproject.toml, such as "app.hooks".',
    ConfigurationError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Functions that are called while a migration is planned and carried out; each may be None.

    What one of them raises stops the work there: before a run nothing is done, before a revision
    the ones before it are. With nothing to do only the hooks of the plan are called.

    Args:
        before_plan: told the profile and the database, before anything is asked of it.
        after_plan: told the plan, before it is shown and confirmed.
        before_run: told the plan, once it is confirmed, the migration lock is held and it was
            looked whether the plan still holds.
        before_revision: told the plan and the revision, before its first statement.
        after_revision: told the plan and the revision as applied, after its commit.
        after_run: told the plan and the report, after the last revision, the lock still held.
        on_failure: told the plan and the error, when the run or one of its hooks failed.

    Raises:
        ConfigurationError: one cannot be called with these arguments, or is a coroutine.

    """

    before_plan: BeforePlan | None = None
    after_plan: WithPlan | None = None
    before_run: WithPlan | None = None
    before_revision: BeforeRevision | None = None
    after_revision: AfterRevision | None = None
    after_run: AfterRun | None = None
    on_failure: OnFailure | None = None

    def __post_init__(self) -> None:
        for one in fields(self):
            if (function := getattr(self, one.name)) is not None:
                _refuse_uncallable(one.name, function)

    @classmethod
    def of(cls, project: Project) -> Hooks:
        """Return the functions of the module that the project's setting `hooks` names.

        Raises:
            ConfigurationError: it does not import, or holds no hook, or one that there is not.

        """
        if project.hooks is None:
            return cls()
        names = project.code.namespace(project.hooks, _HOOKS)
        _refuse_misspelt(project.hooks, names)
        hooks = {name: names[name] for name in _TAKES if name in names}
        if not hooks:
            raise ConfigurationError(
                f"{project.hooks} has no hook", hint=f"known are {', '.join(_TAKES)}"
            )
        return cls(**hooks)

    def call(self, name: str, *arguments: object) -> None:
        """Call the hook of this name, if there is one; what it prints goes to stderr.

        Raises:
            HookError: it raised something; what is limbeck's own goes through as it is.

        """
        function: Callable[..., object] | None = getattr(self, name)
        if function is None:
            return
        try:
            with redirect_stdout(sys.stderr):
                function(*arguments)
        except LimbeckError:
            raise
        except Exception as error:
            raise HookError(
                f"the hook {name} failed: {_words(error)}", hint="Correct it and run again."
            ) from error


def _refuse_uncallable(name: str, function: object) -> None:
    wanted = f"{name}({', '.join(_TAKES[name])})"
    if not callable(function):
        raise ConfigurationError(f"the hook {name} is no function", hint=f"def {wanted}: ...")
    if inspect.iscoroutinefunction(function):
        raise ConfigurationError(
            f"the hook {name} is a coroutine, which nobody would await", hint=f"def {wanted}: ..."
        )
    try:
        inspect.signature(function).bind(*_TAKES[name])
    except TypeError as error:
        raise ConfigurationError(
            f"the hook {name} cannot be called as {wanted}: {error}", hint=f"def {wanted}: ..."
        ) from error


def _refuse_misspelt(module: str, names: Mapping[str, object]) -> None:
    for name, value in names.items():
        own = inspect.isfunction(value) and value.__module__ == module
        if own and name not in _TAKES and _LIKE_A_HOOK.fullmatch(name):
            near = difflib.get_close_matches(name, _TAKES, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise ConfigurationError(
                f"{module}.{name} is no hook",
                hint=f"{hint}known are {', '.join(_TAKES)}; others begin with _",
            )


def _words(error: Exception) -> str:
    text = str(error).strip()
    reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
    called = traceback.extract_tb(error.__traceback__)[1:]  # the first frame is that of `call`
    return (
        f"{shown(Path(called[0].filename))} line {called[0].lineno}: {reason}" if called else reason
    )
