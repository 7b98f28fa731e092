"""Tell what limbeck understands of a project: its history, its models, env.py, and the rest."""

from __future__ import annotations

from typing import Final

from limbeck.dataclass import dataclass
from limbeck.errors import LimbeckError
from limbeck.events import Event, Notice
from limbeck.history.history import History
from limbeck.project.code.configured import Configured
from limbeck.project.project import Project
from limbeck.project.unsupported import unsupported
from limbeck.shadow import tables
from limbeck.shadow.filters import configured

USUAL: Final = Configured()


@dataclass(frozen=True, slots=True)
class Recorded:
    """The history of a project.

    Args:
        revisions: The number of its revisions.
        heads: The ids of its heads.
        lasting: The names of heads that are not to be merged.
        folders: The number of folders with revision files.
        depends_on: Whether a revision needs one that it does not follow.

    """

    revisions: int = 0
    heads: tuple[str, ...] = ()
    lasting: tuple[str, ...] = ()
    folders: int = 1
    depends_on: bool = False


@dataclass(frozen=True, slots=True)
class Understanding:
    """What limbeck understands of a project.

    Args:
        models: The reference of the metadata.
        history: The revisions.
        tables: The number of tables of the models; None where they do not import.
        problems: What is wrong with the models, and modules with tables that do not count.
        env: What env.py configures.
        env_problem: Why that is not known; "" if it is.
        unsupported: What has no effect in limbeck, by the names that Alembic has for it.
        interpreter: The project's interpreter.
        outside: Why its code runs in a process of its own; "" if it does not.

    """

    models: str
    history: Recorded
    tables: int | None = None
    problems: tuple[str, ...] = ()
    env: Configured = USUAL
    env_problem: str = ""
    unsupported: tuple[str, ...] = ()
    interpreter: str = ""
    outside: str = ""


def understand(project: Project) -> Understanding:
    """Import the models of a project and run its env.py, and return what they are.

    env.py runs on the shadow, if it does more than to configure a connection. Nothing is changed.
    """
    number, problems = _models(project)
    env, env_problem = _configured(project)
    return Understanding(
        project.models,
        history(project),
        number,
        problems,
        env,
        env_problem,
        (*unsupported(project), *(f"{name} of env.py" for name in env.ignored)),
        str(project.code.interpreter),
        project.code.outside,
    )


def history(project: Project) -> Recorded:
    """Return the revisions of a project, for which none of its code runs."""
    history_ = History.of(project)
    revisions = history_.revisions()
    return Recorded(
        len(revisions),
        tuple(head.id for head in history_.heads()),
        history_.lasting(),
        len(history_.folders),
        any(revision.needs for revision in revisions),
    )


def _configured(project: Project) -> tuple[Configured, str]:
    try:
        return configured(project), ""
    except LimbeckError as error:
        return USUAL, error.message


def _models(project: Project) -> tuple[int | None, tuple[str, ...]]:
    """Return how many tables the models have, and what is wrong with them."""
    notices: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Notice):
            notices.append(event.text)

    try:
        return tables.count(project, listen), tuple(notices)
    except LimbeckError as error:
        return None, (*notices, _sentence(error))


def _sentence(error: LimbeckError) -> str:
    return ". ".join(filter(None, (error.message.rstrip("."), error.hint)))
