"""The verb: compare the recorded history with the models, write, prove, keep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.events import Listener
from limbeck.generate.answers import Answers
from limbeck.history.revisions import Revision
from limbeck.logs import log
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.shadow.unchanged import unchanged

if TYPE_CHECKING:
    from limbeck.schema.diff.steps import Step

NO_ANSWERS = Answers()


@dataclass(frozen=True, slots=True)
class Generated:
    """The proven revision; without a change it is None and there are no steps.

    `steps` are those of the file, with the recipes for tables in use. `readable` is False where
    op.* calls did not prove and the file holds the plain SQL. Of a change in phases `revision` is
    the contract and `expand` the one before it, where there is something to prepare.
    """

    revision: Revision | None = None
    steps: tuple[Step, ...] = ()
    readable: bool = True
    expand: Revision | None = None

    @property
    def path(self) -> Path | None:
        """The file of the revision."""
        return self.revision.path if self.revision else None


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
