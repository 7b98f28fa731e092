"""Hooks: functions of the project that are called while a plan is made and applied."""

from __future__ import annotations

import difflib
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from limbeck.dataclass import dataclass
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
# A function that is named like a hook but is none is most likely a misspelt one.
_LIKE_A_HOOK: Final = re.compile(r"(before|after|on)_\w+")
_HOOKS: Final = Purpose(
    "the hooks",
    'Check [tool.limbeck] hooks in pyproject.toml, such as "app.hooks".',
    ConfigurationError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Functions that are called while a migration is planned and applied; each may be None.

    An error in a hook stops the migration there: before a run nothing is applied, before a
    revision only the revisions before it. An empty plan calls only the hooks of planning.

    Args:
        before_plan: receives the profile and the database, before the database is read.
        after_plan: receives the plan, before it is printed and confirmed.
        before_run: receives the plan, once it is confirmed, the migration lock is held and the
            plan was checked again.
        before_revision: receives the plan and the revision, before its first statement.
        after_revision: receives the plan and the applied revision, after its commit.
        after_run: receives the plan and the report, after the last revision, under the lock.
        on_failure: receives the plan and the error, when the run or one of its hooks failed.

    Raises:
        ConfigurationError: a hook cannot be called with these arguments, or is a coroutine.

    """

    before_plan: BeforePlan | None = None
    after_plan: WithPlan | None = None
    before_run: WithPlan | None = None
    before_revision: BeforeRevision | None = None
    after_revision: AfterRevision | None = None
    after_run: AfterRun | None = None
    on_failure: OnFailure | None = None

    def __post_init__(self) -> None:
        for hook in fields(self):
            if (function := getattr(self, hook.name)) is not None:
                _refuse_uncallable(hook.name, function)

    @classmethod
    def of(cls, project: Project) -> Hooks:
        """Return the hooks in the module that the project's setting `hooks` names.

        Raises:
            ConfigurationError: the module does not import, has no hook, or has an unknown one.

        """
        if project.hooks is None:
            return cls()
        names = project.code.of_models().namespace(project.hooks, _HOOKS)
        _refuse_misspelt(project.hooks, names)
        hooks = {name: names[name] for name in _TAKES if name in names}
        if not hooks:
            raise ConfigurationError(
                f"{project.hooks} has no hook", hint=f"The hooks are {', '.join(_TAKES)}."
            )
        return cls(**hooks)

    def call(self, name: str, *arguments: object) -> None:
        """Call the hook of this name, if there is one; its output goes to stderr.

        Raises:
            HookError: the hook raised an error; limbeck's own errors are not wrapped.

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
                f"the hook {name} failed: {_words(error)}", hint="Correct the hook and run again."
            ) from error


def _refuse_uncallable(name: str, function: object) -> None:
    wanted = f"{name}({', '.join(_TAKES[name])})"
    if not callable(function):
        raise ConfigurationError(f"the hook {name} is not a function", hint=f"def {wanted}: ...")
    if inspect.iscoroutinefunction(function):
        raise ConfigurationError(
            f"the hook {name} is a coroutine; hooks must be plain functions",
            hint=f"def {wanted}: ...",
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
            meant = f"Did you mean {near[0]}? " if near else ""
            raise ConfigurationError(
                f"{module}.{name} is not a hook",
                hint=f"{meant}The hooks are {', '.join(_TAKES)}; "
                "begin the names of other functions with an underscore.",
            )


def _words(error: Exception) -> str:
    text = str(error).strip()
    reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
    called = traceback.extract_tb(error.__traceback__)[1:]  # the first frame is that of `call`
    return (
        f"{shown(Path(called[0].filename))} line {called[0].lineno}: {reason}" if called else reason
    )
