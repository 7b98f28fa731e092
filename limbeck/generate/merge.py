"""Join several heads with a revision, if their order does not matter: `limbeck merge`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

from limbeck.dataclass import dataclass
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

    It is written only if each pair of heads makes the same catalog in both orders, because the
    databases of two git branches have applied them in different orders.

    Args:
        project: The project, with its history.
        profile: An environment with a history of its own.
        message: The message of the revision; by default it names the heads.
        listen: Receives the stages.

    Raises:
        HistoryError: There is one head, or none.
        MigrationError: The revisions of one head do not run even alone.
        ProofError: The order of two revisions matters; the error names them and the object.

    """
    history = History.of(project, profile)
    heads = history.heads()
    if len(heads) < 2:  # noqa: PLR2004 - it takes two to merge
        raise HistoryError("there is nothing to merge: the history has one head or none")
    for first, second in combinations(heads, 2):
        listen(StageStarted(f"proving {first.id} and {second.id} in both orders"))
        _Proof(project, profile, history, listen).carry_out(first, second)
    down = [head.id for head in heads]
    return Merge(write(history, message or f"merge {' and '.join(down)}", down=down), heads)


@dataclass(frozen=True, slots=True)
class _Clash:
    """Why two lines of revisions conflict; `why` has placeholders for two revisions."""

    why: str
    cause: MigrationError | None = None


@dataclass(frozen=True, slots=True)
class _Proof:
    project: Project
    profile: Profile | None
    history: History
    listen: Listener

    def carry_out(self, first: Revision, second: Revision) -> None:
        """Run the revisions that only one head has, and those of the other, in both orders."""
        lines = [set(self.history.applied([head.id])) for head in (first, second)]
        shared = lines[0] & lines[1]
        common = ",".join(self.history.tops(revision.id for revision in shared)) or "base"
        template = Replay(self.project, common, self.profile, self.listen).template()
        mine, theirs = (
            [each for each in self.history.revisions() if each in line - shared] for line in lines
        )
        if clash := self._clash(template, mine, theirs):
            raise self._narrowed(template, mine, theirs, clash)

    def _narrowed(
        self, template: str, mine: Sequence[Revision], theirs: Sequence[Revision], clash: _Clash
    ) -> ProofError:
        """Return an error that names the first revision of each line that conflicts."""
        mine, clash = _shortest(mine, lambda part: self._clash(template, part, theirs), clash)
        theirs, clash = _shortest(theirs, lambda part: self._clash(template, mine, part), clash)
        first, second = mine[-1], theirs[-1]
        why = clash.why.format(first=first, second=second)
        error = ProofError(why, hint=_hint(first, second))
        error.__cause__ = clash.cause
        return error

    def _clash(
        self, template: str, mine: Sequence[Revision], theirs: Sequence[Revision]
    ) -> _Clash | None:
        forward = self._after(template, mine, theirs, "{second} does not run after {first}")
        if isinstance(forward, _Clash):
            return forward
        backward = self._after(template, theirs, mine, "{first} does not run after {second}")
        if isinstance(backward, _Clash):
            return backward
        return _difference(forward, backward)

    def _after(
        self, template: str, before: Sequence[Revision], after: Sequence[Revision], why: str
    ) -> Catalog | _Clash:
        shadow = Shadow.of(self.project, self.profile, listen=self.listen)
        with shadow.scratch(template) as database, connect(database) as connection:
            running.run(self.history, connection, before)
            try:
                running.run(self.history, connection, after)
            except MigrationError as error:
                self._run_alone(template, after)
                return _Clash(f"{why}: {_literally(error.message)}", error)
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
    """Return the shortest beginning of a line that conflicts, and the conflict."""
    for count in range(1, len(line)):
        if clash := clash_with(line[:count]):
            return line[:count], clash
    return line, all_


def _difference(forward: Catalog, backward: Catalog) -> _Clash | None:
    changes = forward.changes_to(backward)
    if not changes:
        return None
    change = changes[0]
    return _Clash(
        f"the order of {{first}} and {{second}} matters: {_literally(str(change.address))} is\n"
        f"  {_literally(str(change.before))} after {{first.id}}, {{second.id}}\n"
        f"  {_literally(str(change.after))} after {{second.id}}, {{first.id}}"
    )


def _literally(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _hint(first: Revision, second: Revision) -> str:
    return (
        "Put them into one line. The one that a shared database has stays below: set down_revision "
        f"in {shown(second.path)} to {first.id} and correct its code, or the other one's."
    )
