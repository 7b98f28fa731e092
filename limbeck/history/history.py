"""The history of a project: its revision files in order, and what databases have of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Self

from limbeck.dataclass import dataclass
from limbeck.errors import HistoryError, SeveralHeadsError
from limbeck.history import lasting, saved
from limbeck.history import revisions as files
from limbeck.history.folder import Listing
from limbeck.history.revisions import Revision, way_out
from limbeck.paths import shown
from limbeck.project.code.in_process import InProcess
from limbeck.project.code.protocol import UserCode
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.shell import command


@dataclass(slots=True)
class _Memory:
    """The revisions of a history, and the state of the files from which they were read."""

    listing: Listing | None = None
    ordered: dict[str, Revision] = field(default_factory=dict)
    held: dict[str, Revision] | None = None
    holders: int = 0
    prepared: bool = False
    lock: Lock = field(default_factory=Lock)


@dataclass(frozen=True)
class History:
    """The revision files under a script location, read when they are first needed.

    `versions` is the folder of the revision files, if it is not the script location's own, and
    `more` are others that have some. The files are read again whenever one of them has changed,
    but not inside of `held`.
    """

    script_location: Path
    versions: Path | None = None
    project: Project | None = field(default=None, repr=False, compare=False)
    more: tuple[Path, ...] = ()
    _memory: _Memory = field(default_factory=_Memory, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, project: Project, profile: Profile | None = None) -> Self:
        """Return the project's history, or the separate one of a profile."""
        own = profile.versions if profile else None
        folder, more = own or project.versions, () if own else project.more_versions
        tenants = project.tenant_versions if project.tenants else None
        if tenants is None or tenants == (folder or project.script_location / "versions"):
            return cls(project.script_location, folder, project, more)
        if project.part == "tenants":
            return cls(project.script_location, tenants, project)
        both = () if project.part == "shared" else (tenants,)
        return cls(project.script_location, folder, project, (*more, *both))

    @classmethod
    def whole(cls, project: Project, profile: Profile | None = None) -> Self:
        """Return the history of both parts, of which the shadow needs what a part refers to."""
        return cls.of(replace(project, part=None) if project.part else project, profile)

    @cached_property
    def code(self) -> UserCode:
        """The way to the revision files: into this process, or to the project's interpreter."""
        if self.project is None:
            return InProcess(self.script_location.parent)
        imported = {name for revision in self.revisions() for name in revision.imports}
        connects = any(revision.connects for revision in self.revisions())
        return self.project.code_for(*self.folders).of_revisions(imported, connects=connects)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Read the folder once inside of the block, which sees no change of the files after that.

        A look at each file takes as long as the rest of a question about the history, and a
        command asks some twenty.
        """
        memory = self._memory
        with memory.lock:  # several databases are asked at the same time
            memory.holders += 1
            memory.held = memory.held or self._by_id()
        try:
            yield
        finally:
            with memory.lock:
                memory.holders -= 1
                if not memory.holders:
                    memory.held = None

    def state(self) -> str | None:
        """Return a hash that changes with any of the files, or None while it might not.

        It costs a look at each file and reads none. Inside of `held` it is that of the files as
        they were read.
        """
        held = self._memory.held is not None
        listing = self._memory.listing if held else Listing.of(self.folders)
        return listing.hash() if listing else None

    def prepare(self) -> None:
        """Start the project's interpreter, if revisions need it, while limbeck goes on."""
        if not isinstance(self.code, InProcess):
            self.code.prepare("revisions")
            self._memory.prepared = True

    @property
    def is_prepared(self) -> bool:
        """Whether the project's interpreter has been started for revisions."""
        return self._memory.prepared or (self.project is not None and self.project.started)

    @property
    def folder(self) -> Path:
        """The folder with the revision files; the first one of several."""
        return self.versions or self.script_location / "versions"

    @property
    def folders(self) -> tuple[Path, ...]:
        """All folders with revision files."""
        return (self.folder, *self.more)

    @property
    def top(self) -> Path:
        """The folder that all revision files are below."""
        return Path(os.path.commonpath(self.folders)) if self.more else self.folder

    def folder_after(self, ids: Sequence[str]) -> Path:
        """Return the folder for a revision that follows these: that of the first one's file."""
        return self.find(ids[0])[0].path.parent if self.more and ids else self.folder

    def revisions(self) -> tuple[Revision, ...]:
        """Return all revisions, parents before children.

        Raises:
            HistoryError: a file is not a revision, two have the same id, a parent is missing, or
                revisions follow each other in a circle.

        """
        return tuple(self._by_id().values())

    def heads(self) -> tuple[Revision, ...]:
        """Return the revisions that no other revision follows."""
        by_id = self._by_id()
        followed = {id_ for revision in by_id.values() for id_ in revision.down}
        return tuple(revision for id_, revision in by_id.items() if id_ not in followed)

    def head(self) -> Revision | None:
        """Return the head, or None if there is no revision yet.

        Raises:
            SeveralHeadsError: there are several.

        """
        heads = self.heads()
        if len(heads) > 1 and (branches := self.lasting()):
            raise SeveralHeadsError(
                f"the history has {len(heads)} heads that stay, one for each of its branches "
                f"({', '.join(branches)}); limbeck does not choose the one that a revision follows",
                hint=command("alembic", "revision", "--autogenerate", "--head", heads[0].id),
            )
        if len(heads) > 1:
            names = "".join(f"\n  {head}: {shown(head.path)}" for head in heads)
            raise SeveralHeadsError(
                f"the history has {len(heads)} heads:{names}",
                hint="Run `limbeck merge`.",
            )
        return heads[0] if heads else None

    def lasting(self) -> tuple[str, ...]:
        """Return the names of several heads that are not to be merged, in the order of `heads`.

        Each of them has a branch label of its own, or a folder of its own; else this is ().
        """
        heads = self.heads()
        if len(heads) < 2:  # noqa: PLR2004 - the usual case
            return ()
        return lasting.names(heads, self._by_id(), several_folders=bool(self.more))

    def find(self, text: str) -> tuple[Revision, ...]:
        """Return the revisions that "head", "heads", "base" or the beginning of an id names.

        () is base. Several ids may be joined by commas. "head" is all heads if they stay.

        Raises:
            SeveralHeadsError: the text is "head", and there are several to merge.
            HistoryError: no id begins with the text, or several do.

        """
        if text == "base":
            return ()
        if text in {"head", "heads"}:
            heads = self.heads()
            if len(heads) > 1 and text == "head" and not self.lasting():
                self.head()  # says that there are several
            return heads
        return tuple(self._named(part) for part in text.split(","))

    def pending(self, current: Sequence[str], to: str = "heads") -> tuple[Revision, ...]:
        """Return the revisions that an upgrade from the current ones runs, in its order."""
        missing = self._ancestry(revision.id for revision in self.find(to)) - self._ancestry(
            current
        )
        return tuple(revision for revision in self.revisions() if revision.id in missing)

    def beyond(self, current: Sequence[str], to: str) -> tuple[Revision, ...]:
        """Return the revisions that a downgrade from the current ones reverts, in its order."""
        remaining = self._ancestry(revision.id for revision in self.find(to))
        applied = self._ancestry(current)
        if remaining - applied:
            raise HistoryError(
                f"{to} is not below the current revision {', '.join(current) or 'base'}",
                hint="`limbeck migrate --to` upgrades, `limbeck rollback --to` downgrades.",
            )
        beyond = applied - remaining
        return tuple(revision for revision in reversed(self.revisions()) if revision.id in beyond)

    def applied(self, current: Sequence[str]) -> tuple[Revision, ...]:
        """Return the revisions that a database at the current ones has applied, in their order."""
        applied = self._ancestry(current)
        return tuple(revision for revision in self.revisions() if revision.id in applied)

    def tops(self, applied: Iterable[str]) -> tuple[str, ...]:
        """Return the ids in the version table when exactly these revisions are applied."""
        ids = set(applied)
        revisions = (revision for revision in self.revisions() if revision.id in ids)
        covered = {id_ for revision in revisions for id_ in revision.parents}
        return tuple(sorted(ids - covered))

    def squashed(self, text: str) -> Revision | None:
        """Return the squash that has replaced the revision whose id begins with a text, if any."""
        for revision in self.revisions():
            if any(id_.startswith(text) and id_ != revision.id for id_ in revision.replaces):
                return revision
        return None

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
                hint="Restore its file "
                f"({command('git', 'log', '--all', '--', f'*{unknown[0]}*')}): nothing can be "
                "migrated without it.",
            )
        return current

    def _named(self, text: str) -> Revision:
        by_id = self._by_id()
        if text in by_id:
            return by_id[text]
        matches = [each for id_, each in by_id.items() if text and id_.startswith(text)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = ", ".join(match.id for match in matches)
            raise HistoryError(f"{text} is the beginning of several revisions: {names}")
        if text and (squash := self.squashed(text)):
            raise HistoryError(
                f"there is no revision {text} any more: {squash} has replaced it",
                hint=f"Name {squash.id}, or a revision before or after it.",
            )
        from limbeck.history.likely import likely  # noqa: PLC0415 - for errors only

        names = ", ".join(str(head) for head in self.heads()) or "none: the history is empty"
        raise HistoryError(
            f"there is no revision {text} in {shown(self.folder)}",
            hint=f"{likely(text, by_id, self.project)}The head is {names}.",
        )

    def _ancestry(self, ids: Iterable[str]) -> set[str]:
        """Return these ids and those of all revisions below them."""
        by_id, open_, ancestry = self._by_id(), list(ids), set[str]()
        while open_:
            if (id_ := open_.pop()) not in ancestry:
                ancestry.add(id_)
                open_ += by_id[id_].parents
        return ancestry

    def _by_id(self) -> dict[str, Revision]:
        memory = self._memory
        if memory.held is not None:
            return memory.held
        listing = Listing.of(self.folders)
        if memory.listing is None or listing.files != memory.listing.files:
            place = saved.place(self.project, self.folder)
            memory.ordered = files.ordered(saved.revisions(place, listing.files))
            memory.listing = listing
        return memory.ordered
