"""History: the revisions of one folder, what databases have of them, and carrying them out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.engine.terms import PLAIN, Terms
from limbeck.errors import HistoryError
from limbeck.events import Listener, ignore
from limbeck.history import content
from limbeck.history.chain import Chain
from limbeck.history.revisions import Revision, way_out
from limbeck.paths import shown

if TYPE_CHECKING:
    import psycopg

    from limbeck.engine.ledger import Ledger
    from limbeck.engine.state import State


@dataclass(frozen=True)
class History(Chain):
    """The recorded history: its revisions, what databases have of it, and carrying it out."""

    def late(self, current: Sequence[str], found: Ledger) -> tuple[Revision, ...]:
        """Return what stands below the current revisions, and yet never ran.

        It came into the history below a revision that was applied already.
        """
        from limbeck.engine import ledger  # noqa: PLC0415 - psycopg only when it is needed

        below = [one.id for one in self.applied(current)]
        ids = set(ledger.late(self.revisions(), below, found))
        return tuple(one for one in self.revisions() if one.id in ids)

    def ledger(self, connection: psycopg.Connection) -> Ledger:
        """Return what the database remembers of its migrations; empty where it does not."""
        from limbeck.engine import ledger  # noqa: PLC0415 - as above

        return ledger.read(connection)

    def edited(self, current: Sequence[str], found: Ledger) -> tuple[Revision, ...]:
        """Return the applied revisions that say another SQL now than when they were applied."""
        from limbeck.engine import audit  # noqa: PLC0415 - Alembic only when it is needed

        return audit.edited(self, self.applied(current), found) if found.entries else ()

    def deleted(self, found: Ledger) -> tuple[str, ...]:
        """Return the ids of applied revisions that no file holds."""
        known = {id_ for one in self.revisions() for id_ in (one.id, *one.replaces)}
        return tuple(id_ for id_ in found.applied() if id_ not in known)

    def recorded(self, connection: psycopg.Connection) -> tuple[str, ...]:
        """Return the ids in the database's version table as they are, known here or not."""
        from limbeck.engine import version_table  # noqa: PLC0415 - psycopg only when it is needed

        return version_table.recorded(connection)

    def state(self, connection: psycopg.Connection) -> State:
        """Return the version rows and the ledger, in two round trips at most."""
        from limbeck.engine import state  # noqa: PLC0415 - as above

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
        if unknown and (squash := self.squashed(unknown[0])):
            raise HistoryError(
                f"database {database} is at revision {unknown[0]}, in the middle of those that "
                f"{squash} has replaced",
                hint=way_out(squash, unknown[0]),
            )
        if unknown:
            raise HistoryError(
                f"database {database} is at revision {', '.join(unknown)}, "
                f"which no file in {shown(self.folder)} holds",
                hint=f"Get the file from where it was made (git log --all -- '*{unknown[0]}*'); "
                "nothing can be migrated without it.",
            )
        return current

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
        from limbeck.engine import running  # noqa: PLC0415 - Alembic only when it is needed

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
        from limbeck.engine import running  # noqa: PLC0415 - Alembic only when it is needed

        running.stamp(connection, [one.id for one in self.find(to)])

    def sql(self, revisions: Sequence[Revision], *, downgrade: bool = False) -> tuple[str, ...]:
        """Return the statements of each revision, every one ended by a semicolon.

        A revision that asks the database something cannot be put into words; it gives what it
        says up to there, and a comment.
        """
        if not revisions:
            return ()
        from limbeck.engine import offline  # noqa: PLC0415 - Alembic only when it is needed

        return offline.sql(self, revisions, downgrade=downgrade)

    def steps(self, revision: Revision, *, downgrade: bool = False) -> int | None:
        """Return how many steps a revision has; None when only its run can tell."""
        from limbeck.engine import offline  # noqa: PLC0415 - Alembic only when it is needed

        return offline.steps(self, revision, downgrade=downgrade)

    def script(self, revisions: Sequence[Revision], *, downgrade: bool = False) -> str:
        """Return a script for psql: a transaction a revision, with its version row.

        Raises:
            HistoryError: a revision asks the database something.

        """
        from limbeck.engine import offline  # noqa: PLC0415 - Alembic only when it is needed

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
