"""The verb: compare the recorded history with the models, write, prove, keep."""

from __future__ import annotations

from limbeck.events import Listener
from limbeck.generate.answers import Answers
from limbeck.generate.generated import Generated
from limbeck.logs import log
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.shadow.unchanged import unchanged

NO_ANSWERS = Answers()


def revision(
    project: Project,
    profile: Profile | None = None,
    *,
    message: str | None = None,
    answers: Answers = NO_ANSWERS,
    listen: Listener = log,
) -> Generated:
    """Write one revision that takes the recorded history to the models.

    Where the answers or the project's setting want it in phases, a change that breaks a running
    application becomes two: an expand and a contract revision.

    Nothing live is touched: the history is replayed on the shadow. The file is kept only when its
    upgrade gave exactly the models' catalog there, and its downgrade exactly the one before.

    Raises:
        SeveralHeadsError: two revisions follow the same one.
        ModelsError: the models do not import, or Postgres cannot create them.
        NotConfirmedError: a rename or a loss of data was not agreed to.
        ProofError: what was written does not do what it shall; nothing was kept.

    """
    if unchanged(project, profile):
        return Generated()
    from limbeck.generate import writing  # noqa: PLC0415 - slow, and needed for a change only

    return writing.revision(project, profile, message, answers, listen)
