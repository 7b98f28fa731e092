"""Probe a drafted revision at its commit points, after its end is proven."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from limbeck.dataclass import dataclass
from limbeck.errors import ProofError
from limbeck.generate.joining import commits
from limbeck.generate.proof import Premises
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.lint.probes.passage import Passage
from limbeck.project.profile import Profile
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.steps import Step
from limbeck.shadow import servers

if TYPE_CHECKING:
    from limbeck.lint.probes.gaps import Gap, Role
    from limbeck.phased.phases import Backfill


class GapError(ProofError):
    """A drafted revision breaks applications between two commits; `passages` say how."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = tuple(passages)
        super().__init__(f"applications would be interrupted while it runs: {self.gaps[0]}")

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What breaks."""
        return tuple(gap for passage in self.passages for gap in passage.gaps)


def accept(passages: Sequence[Passage], accepted: frozenset[str]) -> None:
    """Raise an error unless all gaps are accepted, by their sentences.

    Raises:
        GapError: there are others.

    """
    sentences = {gap.sentence for passage in passages for gap in passage.gaps}
    if sentences - accepted:
        raise GapError(passages)


def unavoidable(error: GapError) -> frozenset[str]:
    """Return the gaps that no other order of the steps closes: they do not end."""
    return frozenset(gap.sentence for gap in error.gaps if gap.ends is None or not gap.first)


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted revision with its steps; `role` says what it is to applications."""

    history: History
    revision: Revision
    steps: Sequence[Step]
    role: Role = "plain"
    backfills: Sequence[Backfill] = ()


def passed(premises: Premises, profile: Profile | None, draft: Draft) -> Passage:
    """Return what applications live through while a draft runs.

    A plain revision of one transaction has no commit point inside, so nothing is asked. A phase
    is probed in any case, because applications go on after an expand and before a contract.
    """
    if draft.role == "plain" and len(commits(draft.steps)) == 1 and not _recreates(draft.steps):
        return Passage()
    from limbeck.lint.probes import phased, proving  # noqa: PLC0415 - most revisions end above

    change = proving.Change(
        proving.running_of(draft.history, draft.revision),
        premises.before,
        premises.after,
        draft.role,
        phased.wrong(
            draft.backfills, premises.after if draft.role == "expand" else premises.before
        ),
        # A named environment's server is not limbeck's own: no role is created there.
        create_role=servers.choose(premises.project, profile).environment is None,
    )
    return proving.probe(change, lambda: premises.shadow.scratch(premises.template))


def _recreates(steps: Sequence[Step]) -> bool:
    """Return whether a table or view is dropped and created again, for which privileges count."""
    gone: set[Address] = set()
    for step in steps:
        if step.address.kind in {"table", "view"}:
            if step.verb == "drop":
                gone.add(step.address)
            elif step.address in gone:
                return True
    return False
