"""The result of `generate`: the revision it wrote, and the steps in it."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.dataclass import dataclass
from limbeck.history.revisions import Revision

if TYPE_CHECKING:
    from limbeck.lint.probes.gaps import Gap
    from limbeck.lint.probes.passage import Passage
    from limbeck.schema.diff.steps import Step


@dataclass(frozen=True, slots=True)
class Generated:
    """The proven revision; without a change, None and no steps.

    `steps` are the steps in the file, with the recipes for tables in use. `readable` is False if
    op.* calls did not prove and the file has plain SQL. Of a phased change `revision` is the
    contract, and `expand` the revision before it, if there is anything to prepare. `majors` are
    those of the servers on which it is proved, `missing` declared ones without a server; `declared`
    is whether a profile declares one. `tables` is the number of those that were compared, where
    nothing has changed. `passages` say what applications live through while the revision runs, of a
    phased change one for each of its revisions.
    """

    revision: Revision | None = None
    steps: tuple[Step, ...] = ()
    readable: bool = True
    expand: Revision | None = None
    majors: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()
    declared: bool = False
    tables: int | None = field(default=None, compare=False)
    passages: tuple[Passage, ...] = ()

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What breaks for applications between two commits, where no other order avoids it."""
        return tuple(gap for passage in self.passages for gap in passage.gaps)

    @property
    def path(self) -> Path | None:
        """The file of the revision."""
        return self.revision.path if self.revision else None
