"""The result of `generate`: the revision it wrote, and the steps in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.history.revisions import Revision

if TYPE_CHECKING:
    from limbeck.schema.diff.steps import Step


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
