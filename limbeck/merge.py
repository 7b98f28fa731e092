"""Join several heads by a revision, once it is proved that their order does not matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from limbeck.catalog.catalog import Catalog, Change
from limbeck.catalog.read import read
from limbeck.database import connect
from limbeck.errors import HistoryError, MigrationError, ProofError
from limbeck.events import Listener, StageStarted, ignore
from limbeck.history import History, Revision
from limbeck.history.revisions import shown
from limbeck.settings import Profile, Project
from limbeck.sources import Replay, Shadow
from limbeck.sources.filters import filters


@dataclass(frozen=True, slots=True)
class Merge:
    """The revision that was written, and the heads that it joins."""

    path: Path
    heads: tuple[Revision, ...]


def merge(
    project: Project,
    profile: Profile | None = None,
    *,
    message: str | None = None,
    listen: Listener = ignore,
) -> Merge:
    """Write a revision that follows all heads.

    It is written only if every two of them give the same catalog in both orders, for databases
    of one git branch and of the other get them in different orders.

    Raises:
        HistoryError: there is one head, or none.
        ProofError: the order of two matters; it names the revisions and the object.

    """
    history = History.of(project, profile)
    heads = history.heads()
    if len(heads) < 2:  # noqa: PLR2004 - it takes two to merge
        raise HistoryError("there is nothing to merge: the history has one head or none")
    for first, second in combinations(heads, 2):
        listen(StageStarted(f"proving {first.id} and {second.id} in both orders"))
        _Proof(project, profile, history, first, second, listen).carry_out()
    names = " and ".join(one.id for one in heads)
    down = [one.id for one in heads]
    return Merge(history.write(message or f"merge {names}", down=down), heads)


@dataclass(frozen=True, slots=True)
class _Proof:
    project: Project
    profile: Profile | None
    history: History
    first: Revision
    second: Revision
    listen: Listener

    def carry_out(self) -> None:
        lines = [set(self.history.applied([one.id])) for one in (self.first, self.second)]
        common = self.history.tops(one.id for one in lines[0] & lines[1])
        mine, theirs = (
            [one for one in self.history.revisions() if one in line - (lines[0] & lines[1])]
            for line in lines
        )
        replay = Replay(self.project, ",".join(common) or "base", self.profile, self.listen)
        template = replay.template()
        one_way = self._after(template, mine, theirs)
        other_way = self._after(template, theirs, mine)
        if changes := one_way.changes_to(other_way):
            raise self._differs(changes, mine, theirs)

    def _after(
        self, template: str, before: Sequence[Revision], after: Sequence[Revision]
    ) -> Catalog:
        shadow = Shadow.of(self.project, self.profile, listen=self.listen)
        with shadow.scratch(template) as database, connect(database) as connection:
            try:
                self.history.run(connection, [*before, *after])
            except MigrationError as error:
                raise ProofError(
                    f"{after[-1]} does not run after {before[-1]}: {error.message}",
                    hint=_hint(before[-1], after[-1]),
                ) from error
            return read(connection, filters=filters(self.project))

    def _differs(
        self, changes: Sequence[Change], mine: Sequence[Revision], theirs: Sequence[Revision]
    ) -> ProofError:
        change = changes[0]
        first, second = (_culprit(side, change) for side in (mine, theirs))
        return ProofError(
            f"the order of {first} and {second} matters: {change.address} is\n"
            f"  {change.before} after {first.id}, {second.id}\n"
            f"  {change.after} after {second.id}, {first.id}",
            hint=_hint(first, second),
        )


def _culprit(side: Sequence[Revision], change: Change) -> Revision:
    """The newest revision of a side that speaks of the object."""
    name = change.address.part or change.address.name
    naming = [one for one in side if name in one.path.read_text(encoding="utf-8")]
    return (naming or list(side))[-1]


def _hint(first: Revision, second: Revision) -> str:
    return (
        f"Let one follow the other: set down_revision in {shown(second.path)} to {first.id} "
        "and correct what it does."
    )
