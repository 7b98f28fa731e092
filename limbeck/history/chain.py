"""The revisions of one folder in their order: which follow which, and what lies between two."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from limbeck.errors import HistoryError, SeveralHeadsError
from limbeck.history import revisions as files
from limbeck.history.revisions import Revision
from limbeck.paths import shown
from limbeck.project.profile import Profile
from limbeck.project.project import Project

# What Alembic itself leaves out: editors' lock files and the package marker.
REVISION_FILE = re.compile(r"(?!\.#|__init__).*\.py$")


@dataclass(frozen=True)
class Chain:
    """The revision files under a script location, read when it is asked for.

    `versions` is the folder of the revision files where it is not the script location's own.
    The files are read again whenever one of them has changed.
    """

    script_location: Path
    versions: Path | None = None
    _read: dict[tuple[object, ...], dict[str, Revision]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, project: Project, profile: Profile | None = None) -> Self:
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

    def squashed(self, text: str) -> Revision | None:
        """Return the revision that has replaced the one whose id begins so, if there is one."""
        for one in self.revisions():
            if any(id_.startswith(text) and id_ != one.id for id_ in one.replaces):
                return one
        return None

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
