"""Migrate a database that was pushed to: record the revisions that it has, or say what differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from limbeck.dataclass import dataclass
from limbeck.engine import offline
from limbeck.engine.pushes import Pushed
from limbeck.errors import MigrationError, PushedError
from limbeck.events import Listener, Notice
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import Connection
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.project.urls import find_url, is_at_neon
from limbeck.run.comparison import Comparison
from limbeck.run.drift import named
from limbeck.run.status import pushed_text
from limbeck.schema.catalog.catalog import Change
from limbeck.schema.sql import lexer
from limbeck.shadow.settled import without_ignored
from limbeck.shell import command

# What writes rows, or may: what a DO block or a function does, its text does not tell.
_ROWS: Final = frozenset(
    {"INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY", "WITH", "DO", "CALL", "SELECT"}
)
# In what limbeck itself writes to keep privileges and comments: a push keeps them as well.
_PRIVILEGES: Final = ("set_config(", "current_setting('limbeck.", "aclexplode(")
_TRIED: Final = 10  # revisions at which a database is looked for that is at none of the ends


@dataclass(frozen=True, slots=True)
class Standing:
    """A database that was pushed to, and its history; `current` are its version rows."""

    comparison: Comparison
    history: History
    current: tuple[str, ...]
    pushed: Pushed

    @classmethod
    def of(  # noqa: PLR0913, PLR0917 - whose, where, what, and who is told
        cls,
        project: Project,
        profile: Profile,
        history: History,
        connection: Connection,
        current: tuple[str, ...],
        pushed: Pushed,
        listen: Listener,
    ) -> Standing:
        """Return the standing of the database of a connection."""
        comparison = Comparison.of(project, profile, connection, listen)
        return cls(comparison, history, current, pushed)

    def records(self, todo: Sequence[Revision]) -> bool:
        """Return whether the database has the schema after these revisions already.

        False says that nothing of what was pushed is left, so that they run as always.

        Raises:
            PushedError: It has another schema, or they change rows, which was not done there.

        """
        if not self._differs(self.current):
            return False
        if not todo:
            text = f"{self._name}: {self.text}; write the revision: {self._generate}"
            self.comparison.listen(Notice(text))
            return False
        target = self._after(todo)
        if changes := self._differs(target):
            raise self._different(todo, target, changes)
        self._refuse_rows(todo)
        return True

    def refuse(self) -> None:
        """Refuse a downgrade of what a push has changed since.

        Raises:
            PushedError: Something of it is left.

        """
        if changes := self._differs(self.current):
            raise PushedError(
                f"{self._name}: {self.text} ({named(changes)}), which no downgrade expects; "
                "nothing was done",
                hint=self.hint,
            )

    @property
    def text(self) -> str:
        """What was pushed, in words."""
        return pushed_text(self.pushed, self.current)

    @property
    def hint(self) -> str:
        """How to come back to the schema of the version rows."""
        return way_back(self.comparison.project, self.comparison.profile, self.current)

    @property
    def _generate(self) -> str:
        return self.comparison.profile.generate

    @property
    def _name(self) -> str:
        return self.comparison.profile.name

    def _after(self, revisions: Iterable[Revision]) -> tuple[str, ...]:
        applied = {each.id for each in self.history.applied(self.current)}
        return self.history.tops(applied | {each.id for each in revisions})

    def _differs(self, ids: Sequence[str]) -> tuple[Change, ...]:
        """Return the differences of the database from a replay up to some revisions."""
        recorded = self.comparison.replay(ids).catalog()
        project, live = self.comparison.project, self.comparison.live
        return recorded.changes_to(without_ignored(project, recorded, live))

    def _between(self, todo: Sequence[Revision]) -> str | None:
        """Return the hint for a database that has the first of some revisions."""
        for count in range(len(todo) - 1, 0, -1)[:_TRIED]:
            if not self._differs(self._after(todo[:count])):
                to = todo[count - 1].id
                first = command("limbeck", "migrate", "-e", self._name, "--to", to)
                return f"It is the schema of {to}. Record that first, then migrate: `{first}`."
        return None

    def _unwritten(self, todo: Sequence[Revision]) -> str | None:
        """Return the hint for a database whose last push began with these revisions."""
        if {each.id for each in todo} <= {each.id for each in self.history.applied(self._base)}:
            return f"More was pushed since. Write a revision for it first: `{self._generate}`."
        return None

    @property
    def _base(self) -> tuple[str, ...]:
        """The revisions that the last push began with, as far as they still have files."""
        known = {revision.id for revision in self.history.revisions()}
        return tuple(id_ for id_ in self.pushed.base if id_ in known)

    def _different(
        self, todo: Sequence[Revision], target: Sequence[str], changes: Sequence[Change]
    ) -> PushedError:
        head = ", ".join(target)
        better = self._between(todo) or self._unwritten(todo)
        hint = better or self.hint
        if better is None and not any(True for each in todo for _ in rows(self.history, each)):
            push = command("limbeck", "push", "-e", self._name)
            hint = f"If the models are those of {head}, run `{push}` and migrate again. {hint}"
        return PushedError(
            f"{self._name}: {self.text}, and the schema is not that of {head}: "
            f"{named(changes)}; nothing was done",
            hint=hint,
            resets=better is None,
        )

    def _refuse_rows(self, todo: Sequence[Revision]) -> None:
        """Refuse to record revisions that change rows, or may."""
        texts = [(each, text) for each in todo for text in rows(self.history, each)]
        if not texts:
            return
        lines = "".join(f"\n  {each}: {text}" for each, text in texts)
        stamp = command("limbeck", "stamp", "-e", self._name, ",".join(self._after(todo)))
        raise PushedError(
            f"{self._name}: {self.text}, and the schema is that of the pending revisions; but "
            f"these may change rows, and did not run there; nothing was done:{lines}",
            hint=f"Run them yourself ({command('limbeck', 'psql', '-e', self._name)}), then "
            f"`{stamp}`. {self.hint}",
        )


def verify(standing: Standing, target: Sequence[str]) -> None:
    """Raise a MigrationError unless the database still has the schema of these revisions."""
    if changes := standing._differs(target):  # noqa: SLF001 - of this module
        raise MigrationError(
            f"{standing.comparison.profile.name} was changed after the plan was made: "
            f"{named(changes)}; nothing was done",
            hint="Look at the new plan: run the same command again.",
        )


def way_back(project: Project, profile: Profile, current: Sequence[str]) -> str:
    """Return the hint how a database comes back to the schema of its version rows."""
    push = command("limbeck", "push", "-e", profile.name)
    models = f"`{push}` with the models of {', '.join(current) or 'the empty database'}"
    branch = profile.neon_branch or profile.branch
    if is_at_neon(project, profile) or (find_url(project, profile).local and profile.parent):
        words = ("reset", branch, "--parent", "--migrate", "-e", profile.name)
        return f"Reset the branch: `{command('limbeck', 'branches', *words)}`. Or run {models}."
    if find_url(project, profile).local:
        delete = command("limbeck", "branches", "delete", branch, "-e", profile.name)
        return f"Run {models}. Or delete the branch, and migrate a new one: `{delete}`."
    return f"Run {models}. Or create its database anew."


def rows(history: History, revision: Revision) -> Iterable[str]:
    """Yield the statements of a revision that may change rows, each cut to a line."""
    if offline.steps(history, revision) is None:
        yield "Python that asks the database"
        return
    (text,) = offline.sql(history, [revision])
    for statement in lexer.statements(text):
        own = any(sign in statement for sign in _PRIVILEGES)
        if lexer.first_word(statement) in _ROWS and not own:
            line = " ".join(statement.split())
            yield line if len(line) <= 80 else f"{line[:79]}…"  # noqa: PLR2004 - a line
