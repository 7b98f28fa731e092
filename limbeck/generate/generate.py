"""Write the next revision from the models: `limbeck generate`."""

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
    """Write a revision that changes the schema of the recorded history into that of the models.

    If the answers or the project's settings ask for phases, a change that breaks a running
    application becomes two revisions: expand and contract.

    No live database is used: the history is replayed on the shadow. The file is kept only if its
    upgrade makes exactly the models' catalog there, and its downgrade exactly the one before.

    Args:
        project: The project, with its history and its models.
        profile: An environment with a history of its own.
        message: The message of the revision; by default it names the change.
        answers: Answers to questions about renames, losses and phases.
        listen: Receives the stages, and a notice where a form of the revision did not prove.

    Raises:
        SeveralHeadsError: Two revisions follow the same one.
        ModelsError: The models do not import, or Postgres cannot create them.
        NotConfirmedError: A rename or a loss of data was not confirmed.
        ProofError: The revision does not make the schema of the models; nothing was kept.

    """
    if same := unchanged(project, profile):
        return Generated(tables=same.tables)
    from limbeck.generate import writing  # noqa: PLC0415 - slow, and only for a change

    return writing.revision(project, profile, message, answers, listen)
