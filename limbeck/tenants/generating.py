"""Write the revisions of a project with tenants: one for what exists once, one for each tenant."""

from __future__ import annotations

from typing import NamedTuple

from limbeck.errors import ProofError
from limbeck.events import Listener
from limbeck.generate.answers import Answers
from limbeck.generate.generate import NO_ANSWERS, revision
from limbeck.generate.generated import Generated
from limbeck.history.history import History
from limbeck.logs import log
from limbeck.project.profile import Profile
from limbeck.project.project import Part, Project


class Parts(NamedTuple):
    """What was written of each part; `shared` is None in a project where nothing exists once."""

    shared: Generated | None
    tenants: Generated


def revisions(
    project: Project,
    profile: Profile | None = None,
    *,
    message: str | None = None,
    answers: Answers = NO_ANSWERS,
    listen: Listener = log,
) -> Parts:
    """Write what has changed in the shared schemas and in those of the tenants, as two revisions.

    The shared one runs first. Where that is not possible, as where a shared table is dropped that
    tenants refer to, it is written as one that needs every tenant to be at theirs.

    Args:
        project: The project, with both histories.
        profile: An environment with a history of its own.
        message: The message of both revisions.
        answers: Answers to questions about renames and losses.
        listen: Receives the stages.

    Raises:
        ProofError: A revision does not make the schema of the models; it was not kept.

    """

    def write(part: Part, across: str | None) -> Generated:
        own = project.only(part, across=across)
        return revision(own, profile, message=message, answers=answers, listen=listen)

    def head(part: Part) -> str | None:
        head_ = History.of(project.only(part), profile).head()
        return head_.id if head_ else None

    if not project.has_shared:
        return Parts(None, write("tenants", None))
    try:
        shared = write("shared", None)
    except ProofError as error:
        before = head("tenants")
        tenants = write("tenants", head("shared"))
        if head("tenants") == before:
            raise error from None
        return Parts(write("shared", head("tenants")), tenants)
    return Parts(shared, write("tenants", head("shared")))
