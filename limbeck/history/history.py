"""History: the revisions of one folder, what is pending, and carrying them out."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.errors import HistoryError, SeveralHeadsError
from limbeck.events import Listener, ignore
from limbeck.history import content
from limbeck.history import revisions as files
from limbeck.history.revisions import Revision, shown
from limbeck.history.terms import PLAIN, Terms
from limbeck.settings import Profile, Project

if TYPE_CHECKING:
    import psycopg

    from limbeck.history.ledger import Ledger
    from limbeck.history.state import State

# What Alembic itself leaves out: editors' lock files and the package marker.
REVISION_FILE = re.compile(r"(?!\.#|__init__).*\.py$")


@dataclass(frozen=True)
class History:
    """The recorded history under a script location, read when it is asked for.

    `versions` is the folder of the revision files where it is not the script location's own.
    The files are read again whenever one of them has changed.
    """

    script_location: Path
    versions: Path | None = None
    _read: dict[tuple[object, ...], dict[str, Revision]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, project: Project, profile: Profile | None = None) -> History:
        """Return the project's history, or the one that a profile keeps apart."""
        own = profile.versions if profile else None
        return cls(project.script_location, own or project.versions)

    @property
    def folder(self) -> Path:
        """The folder with the revision files."""
        return self.versions or self.script_location / "versions"

    def revisions(self) -> tuple[Revision, ...]:
        """Return all revisions, parents before children.

        Raises:
            HistoryError: a file that is no revision, two with one id, a lost parent, a ring.

        """
        return tuple(self._by_id().values())

    def heads(self) -> tuple[Revision, ...]:
        """Return the revisions that no other follows."""
        by_id = self._by_id()
        followed = {id_ for one in by_id.values() for id_ in one.down}
        return tuple(one for id_, one in by_id.items() if id_ not in followed)

    def head(self) -> Revision | None:
        """Return the one head, or None where there is no revision yet.

        Raises:
            SeveralHeadsError: two revisions follow the same one.

        """
        heads = self.heads()
        if len(heads) > 1:
            names = "".join(f"\n  {one}: {shown(one.path)}" for one in heads)
            raise SeveralHeadsError(
                f"the history has {len(heads)} heads:{names}",
                hint="Join them: limbeck merge",
            )
        return heads[0] if heads else None

    def find(self, text: str) -> tuple[Revision, ...]:
        """Return what "head", "heads", "base" or the beginning of an id means; () is base.

        Several ids may be joined by commas.

        Raises:
            SeveralHeadsError: "head" where there are two.
            HistoryError: no revision or several begin so.

        """
        if text == "base":
            return ()
        if text in {"head", "heads"}:
            head = self.heads() if text == "heads" else (self.head(),)
            return tuple(one for one in head if one)
        return tuple(self._one(part) for part in text.split(","))

    def pending(self, current: Sequence[str], to: str = "heads") -> tuple[Revision, ...]:
        """Return what an upgrade from the current revisions would run, in its order."""
        wanted = self._with_ancestors(one.id for one in self.find(to))
        have = self._with_ancestors(current)
        return tuple(one for one in self.revisions() if one.id in wanted - have)

    def late(self, current: Sequence[str], found: Ledger) -> tuple[Revision, ...]:
        """Return what stands below the current revisions, and yet never ran.

        It came into the history below a revision that was applied already.
        """
        from limbeck.history import ledger  # noqa: PLC0415 - psycopg only when it is needed

        below = [one.id for one in self.applied(current)]
        ids = set(ledger.late(self.revisions(), below, found))
        return tuple(one for one in self.revisions() if one.id in ids)

    def ledger(self, connection: psycopg.Connection) -> Ledger:
        """Return what the database remembers of its migrations; empty where it does not."""
        from limbeck.history import ledger  # noqa: PLC0415 - as above

        return ledger.read(connection)

    def edited(self, current: Sequence[str], found: Ledger) -> tuple[Revision, ...]:
        """Return the applied revisions that say another SQL now than when they were applied."""
        from limbeck.history import audit  # noqa: PLC0415 - Alembic only when it is needed

        return audit.edited(self, self.applied(current), found) if found.entries else ()

    def deleted(self, found: Ledger) -> tuple[str, ...]:
        """Return the ids of applied revisions that no file holds."""
        known = {id_ for one in self.revisions() for id_ in (one.id, *one.replaces)}
        return tuple(id_ for id_ in found.applied() if id_ not in known)

    def beyond(self, current: Sequence[str], to: str) -> tuple[Revision, ...]:
        """Return what a downgrade from the current revisions would take back, in its order."""
        kept = self._with_ancestors(one.id for one in self.find(to))
        have = self._with_ancestors(current)
        if kept - have:
            raise HistoryError(
                f"{to} is not below the current revision {', '.join(current) or 'base'}",
                hint="limbeck migrate --to goes up, limbeck rollback --to goes down.",
            )
        return tuple(one for one in reversed(self.revisions()) if one.id in have - kept)

    def applied(self, current: Sequence[str]) -> tuple[Revision, ...]:
        """Return the revisions that a database at the current ones holds, in their order."""
        have = self._with_ancestors(current)
        return tuple(one for one in self.revisions() if one.id in have)

    def tops(self, applied: Iterable[str]) -> tuple[str, ...]:
        """Return what the version table holds when exactly these revisions are applied."""
        ids = set(applied)
        covered = {id_ for one in self.revisions() if one.id in ids for id_ in one.parents}
        return tuple(sorted(ids - covered))

    def recorded(self, connection: psycopg.Connection) -> tuple[str, ...]:
        """Return the ids in the database's version table as they are, known here or not."""
        from limbeck.history import version_table  # noqa: PLC0415 - psycopg only when it is needed

        return version_table.recorded(connection)

    def state(self, connection: psycopg.Connection) -> State:
        """Return the version rows and the ledger, in two round trips at most."""
        from limbeck.history import state  # noqa: PLC0415 - as above

        return state.read(connection)

    def current(self, connection: psycopg.Connection) -> tuple[str, ...]:
        """Return the revisions that the database is at; () is before the first.

        Raises:
            HistoryError: one of them is in no file.

        """
        return self.known(self.recorded(connection), connection.info.dbname)

    def known(self, current: tuple[str, ...], database: str) -> tuple[str, ...]:
        """Return the revisions that a database is at; HistoryError when no file holds one."""
        unknown = [id_ for id_ in current if id_ not in self._by_id()]
        if squashed := [one for one in map(self.squashed, unknown) if one]:
            raise HistoryError(
                f"database {database} is at revision {unknown[0]}, in the middle of those that "
                f"{squashed[0]} has replaced",
                hint=f"Run the rest of them with the files from before (git log --diff-filter=D -- "
                f"'*{unknown[0]}*' names the commit): limbeck migrate --to {squashed[0].id} there. "
                f"If its schema is that of {squashed[0].id} already: "
                f"limbeck stamp {squashed[0].id}",
            )
        if unknown:
            raise HistoryError(
                f"database {database} is at revision {', '.join(unknown)}, "
                f"which no file in {shown(self.folder)} holds",
                hint=f"Get the file from where it was made (git log --all -- '*{unknown[0]}*'); "
                "nothing can be migrated without it.",
            )
        return current

    def squashed(self, text: str) -> Revision | None:
        """Return the revision that has replaced the one whose id begins so, if there is one."""
        for one in self.revisions():
            if any(id_.startswith(text) and id_ != one.id for id_ in one.replaces):
                return one
        return None

    def upgrade(
        self, connection: psycopg.Connection, to: str = "head", *, listen: Listener = ignore
    ) -> tuple[Revision, ...]:
        """Upgrade a database, each revision in a transaction of its own; return what ran.

        Raises:
            HistoryError: the target or the database's own revision is unknown.
            MigrationError: a revision failed; what was finished before it stays.

        """
        todo = self.pending(self.current(connection), to)
        self.run(connection, todo, listen=listen)
        return todo

    def downgrade(
        self, connection: psycopg.Connection, to: str, *, listen: Listener = ignore
    ) -> tuple[Revision, ...]:
        """Take back everything beyond a revision, newest first; return what was taken back.

        Raises:
            HistoryError: the target or the database's own revision is unknown.
            MigrationError: a downgrade failed; what was taken back before it stays so.

        """
        todo = self.beyond(self.current(connection), to)
        self.run(connection, todo, downgrade=True, listen=listen)
        return todo

    def run(  # noqa: PLR0913 - what, on what, which way, on which terms, from where
        self,
        connection: psycopg.Connection,
        revisions: Sequence[Revision],
        *,
        downgrade: bool = False,
        terms: Terms = PLAIN,
        found: State | None = None,
        listen: Listener = ignore,
    ) -> tuple[str, ...]:
        """Carry out exactly these revisions in this order; return what is recorded then.

        The terms say what a live database asks for: the ledger, patience with locks. Without them
        the statements are run and no more. `found` is what the database said, if it was asked.

        Raises:
            MigrationError: one of them failed; it names revision, file and statement.

        """
        if not revisions:
            return found.recorded if found else self.recorded(connection)
        from limbeck.history import running  # noqa: PLC0415 - Alembic only when it is needed

        return running.run(
            self,
            connection,
            revisions,
            downgrade=downgrade,
            terms=terms,
            listen=listen,
            found=found,
        )

    def stamp(self, connection: psycopg.Connection, to: str) -> None:
        """Write down that the database is at a revision, without running anything."""
        from limbeck.history import running  # noqa: PLC0415 - Alembic only when it is needed

        running.stamp(connection, [one.id for one in self.find(to)])

    def sql(self, revisions: Sequence[Revision], *, downgrade: bool = False) -> tuple[str, ...]:
        """Return the statements of each revision, every one ended by a semicolon.

        A revision that asks the database something cannot be put into words; it gives what it
        says up to there, and a comment.
        """
        if not revisions:
            return ()
        from limbeck.history import offline  # noqa: PLC0415 - Alembic only when it is needed

        return offline.sql(self, revisions, downgrade=downgrade)

    def steps(self, revision: Revision, *, downgrade: bool = False) -> int | None:
        """Return how many steps a revision has; None when only its run can tell."""
        from limbeck.history import offline  # noqa: PLC0415 - Alembic only when it is needed

        return offline.steps(self, revision, downgrade=downgrade)

    def script(self, revisions: Sequence[Revision], *, downgrade: bool = False) -> str:
        """Return a script for psql: a transaction a revision, with its version row.

        Raises:
            HistoryError: a revision asks the database something.

        """
        from limbeck.history import offline  # noqa: PLC0415 - Alembic only when it is needed

        return offline.script(self, revisions, downgrade=downgrade)

    def write(  # noqa: PLR0913 - a revision file has this many parts
        self,
        message: str,
        upgrade: str = "",
        downgrade: str = "",
        *,
        imports: Iterable[str] = (),
        down: Sequence[str] | None = None,
        doc: str = "",
        data: str = "",
    ) -> Path:
        """Write a new revision file from script.py.mako and return its path.

        `upgrade` and `downgrade` are the bodies, not indented; `imports` are whole lines; `down`
        are the revisions it follows, the head where it is None; `doc` goes below the message,
        `data`, whole assignments, above the functions.

        Raises:
            SeveralHeadsError: it shall follow the head, and there are two.
            HistoryError: script.py.mako is missing or broken.

        """
        from limbeck.history import writing  # noqa: PLC0415 - Mako only when it is needed

        if down is None:
            down = [head.id] if (head := self.head()) else []
        text = writing.Text(message, upgrade, downgrade, tuple(imports), doc, data)
        return writing.write(self, text, tuple(down))

    def content_hash(self, upto: str = "head") -> str:
        """Return a hash of all that decides what a replay up to a revision makes.

        These are the bytes of the revision files in their order, of the other files under the
        script location (SQL that they read), and of the project's own modules they import.
        """
        hashes = self.content_hashes(upto)
        return hashes[-1][1] if hashes else ""

    def content_hashes(self, upto: str = "head") -> list[tuple[Revision, str]]:
        """Return the content hash after each revision on the way, in the order they run."""
        return content.hashes(self, self.pending((), upto))

    def _one(self, text: str) -> Revision:
        by_id = self._by_id()
        found = [one for id_, one in by_id.items() if text and id_.startswith(text)]
        if text in by_id:
            return by_id[text]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(one.id for one in found)
            raise HistoryError(f"{text} is the beginning of several revisions: {names}")
        if text and (one := self.squashed(text)):
            raise HistoryError(
                f"revision {text} is not there any more: {one} has replaced it",
                hint=f"Name {one.id}, or one before or after it.",
            )
        head = self.heads()
        names = ", ".join(str(one) for one in head) or "none: the history is empty"
        raise HistoryError(
            f"there is no revision {text} in {shown(self.folder)}",
            hint=f"The head is {names}.",
        )

    def _with_ancestors(self, ids: Iterable[str]) -> set[str]:
        by_id, todo, found = self._by_id(), list(ids), set[str]()
        while todo:
            if (id_ := todo.pop()) not in found:
                found.add(id_)
                todo += by_id[id_].parents
        return found

    def _by_id(self) -> dict[str, Revision]:
        state = tuple(_state(self.folder))
        if state not in self._read:
            read = files.ordered(files.unchanged(*each) for each in state)
            self._read.clear()
            self._read[state] = read
        return self._read[state]


def _state(folder: Path) -> Iterator[tuple[str, int, int]]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if REVISION_FILE.fullmatch(entry.name):
                found = entry.stat()
                yield entry.path, found.st_mtime_ns, found.st_size
