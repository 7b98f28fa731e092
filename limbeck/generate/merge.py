"""Join several heads by a revision, once it is proved that their order does not matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from limbeck.engine import running
from limbeck.errors import HistoryError, MigrationError, ProofError
from limbeck.events import Listener, StageStarted
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.history.writing import write
from limbeck.logs import log
from limbeck.paths import shown
from limbeck.postgres.connect import connect
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.read import read
from limbeck.shadow.filters import filters
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow


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
    listen: Listener = log,
) -> Merge:
    """Write a revision that follows all heads.

    It is written only if every two of them give the same catalog in both orders, for databases
    of one git branch and of the other get them in different orders.

    Raises:
        HistoryError: there is one head, or none.
        MigrationError: a branch does not run even alone.
        ProofError: the order of two matters; it names the revisions and the object.

    """
    history = History.of(project, profile)
    heads = history.heads()
    if len(heads) < 2:  # noqa: PLR2004 - it takes two to merge
        raise HistoryError("there is nothing to merge: the history has one head or none")
    for first, second in combinations(heads, 2):
        listen(StageStarted(f"proving {first.id} and {second.id} in both orders"))
        _Proof(project, profile, history, listen).carry_out(first, second)
    names = " and ".join(one.id for one in heads)
    down = [one.id for one in heads]
    return Merge(write(history, message or f"merge {names}", down=down), heads)


@dataclass(frozen=True, slots=True)
class _Clash:
    """How two lines of revisions get into each other's way; `why` has room for two names."""

    why: str
    cause: MigrationError | None = None


@dataclass(frozen=True, slots=True)
class _Proof:
    project: Project
    profile: Profile | None
    history: History
    listen: Listener

    def carry_out(self, first: Revision, second: Revision) -> None:
        """Run what only one head has, and what only the other has, in both orders."""
        lines = [set(self.history.applied([one.id])) for one in (first, second)]
        shared = lines[0] & lines[1]
        common = ",".join(self.history.tops(one.id for one in shared)) or "base"
        template = Replay(self.project, common, self.profile, self.listen).template()
        mine, theirs = (
            [one for one in self.history.revisions() if one in line - shared] for line in lines
        )
        if clash := self._clash(template, mine, theirs):
            raise self._narrowed(template, mine, theirs, clash)

    def _narrowed(
        self, template: str, mine: Sequence[Revision], theirs: Sequence[Revision], clash: _Clash
    ) -> ProofError:
        """Find the first revision of each line with which the two do not agree any more."""
        mine, clash = _shortest(mine, lambda part: self._clash(template, part, theirs), clash)
        theirs, clash = _shortest(theirs, lambda part: self._clash(template, mine, part), clash)
        one, other = mine[-1], theirs[-1]
        error = ProofError(clash.why.format(one=one, other=other), hint=_hint(one, other))
        error.__cause__ = clash.cause
        return error

    def _clash(
        self, template: str, mine: Sequence[Revision], theirs: Sequence[Revision]
    ) -> _Clash | None:
        one_way = self._after(template, mine, theirs, "{other} does not run after {one}")
        if isinstance(one_way, _Clash):
            return one_way
        other_way = self._after(template, theirs, mine, "{one} does not run after {other}")
        if isinstance(other_way, _Clash):
            return other_way
        return _difference(one_way, other_way)

    def _after(
        self, template: str, before: Sequence[Revision], after: Sequence[Revision], said: str
    ) -> Catalog | _Clash:
        shadow = Shadow.of(self.project, self.profile, listen=self.listen)
        with shadow.scratch(template) as database, connect(database) as connection:
            running.run(self.history, connection, before)
            try:
                running.run(self.history, connection, after)
            except MigrationError as error:
                self._run_alone(template, after)
                return _Clash(f"{said}: {_literally(error.message)}", error)
            return read(connection, filters=filters(self.project))

    def _run_alone(self, template: str, revisions: Sequence[Revision]) -> None:
        shadow = Shadow.of(self.project, self.profile, listen=self.listen)
        with shadow.scratch(template) as database, connect(database) as connection:
            running.run(self.history, connection, revisions)


def _shortest(
    line: Sequence[Revision],
    clash_with: Callable[[Sequence[Revision]], _Clash | None],
    all_: _Clash,
) -> tuple[Sequence[Revision], _Clash]:
    """Return how much of a line it takes for a clash, and that clash."""
    for count in range(1, len(line)):
        if clash := clash_with(line[:count]):
            return line[:count], clash
    return line, all_


def _difference(one_way: Catalog, other_way: Catalog) -> _Clash | None:
    changes = one_way.changes_to(other_way)
    if not changes:
        return None
    change = changes[0]
    return _Clash(
        f"the order of {{one}} and {{other}} matters: {_literally(str(change.address))} is\n"
        f"  {_literally(str(change.before))} after {{one.id}}, {{other.id}}\n"
        f"  {_literally(str(change.after))} after {{other.id}}, {{one.id}}"
    )


def _literally(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _hint(first: Revision, second: Revision) -> str:
    return (
        f"Let one follow the other: set down_revision in {shown(second.path)} to {first.id} "
        "and correct what it does."
    )
