"""The history of a project: its revision files, and what databases have of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from limbeck.errors import HistoryError
from limbeck.history import content
from limbeck.history.chain import Chain
from limbeck.history.revisions import Revision, way_out
from limbeck.paths import shown


@dataclass(frozen=True)
class History(Chain):
    """The recorded history: its revision files, in order. `limbeck.engine` runs them."""

    def deleted(self, applied: Iterable[str]) -> tuple[str, ...]:
        """Return the ids of applied revisions whose file is missing."""
        known = {id_ for revision in self.revisions() for id_ in (revision.id, *revision.replaces)}
        return tuple(id_ for id_ in applied if id_ not in known)

    def known(self, current: tuple[str, ...], database: str) -> tuple[str, ...]:
        """Return the revisions that a database is at, unchanged.

        Args:
            current: the ids in the database's version table.
            database: its name, for the error.

        Raises:
            HistoryError: no file has one of the revisions.

        """
        unknown = [id_ for id_ in current if id_ not in self._by_id()]
        if unknown and (squash := self.squashed(unknown[0])):
            raise HistoryError(
                f"database {database} is at revision {unknown[0]}, in the middle of the revisions "
                f"that {squash} has replaced",
                hint=way_out(squash, unknown[0]),
            )
        if unknown:
            raise HistoryError(
                f"database {database} is at revision {', '.join(unknown)}, "
                f"which no file in {shown(self.folder)} has",
                hint=f"Restore its file (git log --all -- '*{unknown[0]}*'): nothing can be "
                "migrated without it.",
            )
        return current

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

        Args:
            message: the first line of the docstring; the file's name is made of it.
            upgrade: the body of the function, not indented.
            downgrade: the same for the way back.
            imports: whole lines.
            down: the ids of the revisions that it follows; None is the head.
            doc: text below the message in the docstring.
            data: whole assignments above the functions.

        Raises:
            SeveralHeadsError: it is to follow the head, and there are several.
            HistoryError: script.py.mako is missing or broken.

        """
        from limbeck.history import writing  # noqa: PLC0415 - Mako only when it is needed

        if down is None:
            down = [head.id] if (head := self.head()) else []
        text = writing.Text(message, upgrade, downgrade, tuple(imports), doc, data)
        return writing.write(self, text, tuple(down))

    def content_hashes(self, upto: str = "head") -> list[tuple[Revision, str]]:
        """Return, for each revision up to one, the hash of everything that its replay depends on.

        Hashed are the bytes of the revision files in their order, of the other files under the
        script location (SQL that revisions read), and of the project's own modules they import.
        """
        return content.hashes(self, self.pending((), upto))
