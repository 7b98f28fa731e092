"""A revision file in a temporary folder, which is moved into the history once it is proven."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.errors import ProofError
from limbeck.generate.rendering.body import Body
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.history.writing import write
from limbeck.models.source.ruff import RuffError, ruff
from limbeck.project.project import Project
from limbeck.schema.sql.relative import relative

# Alembic needs the revision that a draft follows, but never runs it.
STAND_IN = 'revision = "{}"\ndown_revision = None\n'


@dataclass(frozen=True, slots=True)
class Draft:
    """A history of its own: a stand-in for the head, and the drafted revision that follows it."""

    history: History
    target: History
    head: str | None

    def write(
        self,
        message: str,
        upgrade: Body,
        downgrade: Body,
        *,
        data: str = "",
        after: Revision | None = None,
    ) -> Revision:
        """Write a revision in the format of the repository; earlier drafts are removed.

        Args:
            message: The message of the revision.
            upgrade: The body of its upgrade function.
            downgrade: The body of its downgrade function.
            data: Assignments for its module.
            after: A drafted revision to follow, which is not removed.

        """
        for path in self._files():
            if after is None or path != after.path:
                path.unlink()
        follows = after.id if after else self.head
        project, texts = self.history.project, (upgrade.text, downgrade.text)
        if project is not None and project.part is not None:
            if project.part == "tenants":
                texts, data = (relative(upgrade.text), relative(downgrade.text)), relative(data)
            data = "\n\n".join(filter(None, (_across(project), data)))
        path = write(
            self.history,
            message,
            *texts,
            imports=upgrade.imports | downgrade.imports,
            down=[follows] if follows else [],
            data=data,
            end="\n\n".join(sorted(upgrade.constants | downgrade.constants)),
        )
        _format(path, self._final(path))
        return self.history.find("head")[0]

    def keep(self) -> None:
        """Move the files into the history, parents first, each with an atomic rename."""
        files = set(self._files())
        for path in [each.path for each in self.history.revisions() if each.path in files]:
            final = self._final(path)
            final.parent.mkdir(parents=True, exist_ok=True)
            unfinished = final.with_name(f".#{final.name}")  # ignored by Alembic
            unfinished.write_bytes(path.read_bytes())
            unfinished.replace(final)

    def keep_instead(self, revision: Revision, others: Sequence[Path]) -> Path:
        """Replace files of the history with a drafted one, and return its path."""
        final = self._final(revision.path)
        unfinished = final.with_name(f".#{final.name}")  # ignored by Alembic
        unfinished.write_bytes(revision.path.read_bytes())
        for path in others:
            path.unlink()
        unfinished.replace(final)
        return final

    def _files(self) -> list[Path]:
        return [path for path in self.history.folder.rglob("*.py") if path.name != "head.py"]

    def _final(self, path: Path) -> Path:
        folder = self.target.folder_after([self.head] if self.head else [])
        return folder / path.relative_to(self.history.folder)


@contextmanager
def draft(project: Project, target: History) -> Iterator[Draft]:
    """Yield a draft that follows the head of a history; its folder is removed after the block.

    Raises:
        SeveralHeadsError: Two revisions follow the same one.

    """
    head = target.head()
    with following(project, target, head.id if head else None) as unfinished:
        yield unfinished


@contextmanager
def following(project: Project, target: History, head: str | None) -> Iterator[Draft]:
    """Yield a draft that follows a revision of a history; its folder is removed after the block."""
    project.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="draft-", dir=project.home) as folder:
        if head:
            (Path(folder) / "head.py").write_text(STAND_IN.format(head), encoding="utf-8")
        yield Draft(History(target.script_location, Path(folder), target.project), target, head)


def _across(project: Project) -> str:
    """Return the assignment that names what a revision needs of the other history, if anything."""
    name = "shared_revision" if project.part == "tenants" else "tenants_revision"
    return f'{name} = "{project.across}"' if project.across else ""


def _format(path: Path, final: Path) -> None:
    # Under its final name, because ruff may have settings for that path.
    folder = next(parent for parent in final.parents if parent.exists())
    text = path.read_text(encoding="utf-8")
    for command in (["check", "--fix-only", "--extend-select", "I,F401"], ["format"]):
        try:
            text = ruff(folder, [*command, "--stdin-filename", str(final), "-"], text)
        except RuffError as error:
            raise ProofError(f"the revision could not be formatted: {error.message}") from error
    path.write_text(text, encoding="utf-8")
