"""A revision file that nobody sees until it is proven."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from limbeck.errors import ProofError
from limbeck.generate.rendering.body import Body
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.history.writing import write
from limbeck.models.source.ruff import RuffError, ruff
from limbeck.project.project import Project

# All that Alembic has to know of the revision which the draft follows: it runs no more.
STAND_IN = 'revision = "{}"\ndown_revision = None\n'


@dataclass(frozen=True, slots=True)
class Draft:
    """A history of its own: what stands in for the head, and the revision that shall follow."""

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
        """Write a revision, formatted as the repository is; former ones are replaced.

        With `after` it follows that one, which stays. `data` are assignments of its module.
        """
        for path in self._files():
            if after is None or path != after.path:
                path.unlink()
        follows = after.id if after else self.head
        path = write(
            self.history,
            message,
            upgrade.text,
            downgrade.text,
            imports=upgrade.imports | downgrade.imports,
            down=[follows] if follows else [],
            data=data,
        )
        _format(path, self._final(path))
        return self.history.find("head")[0]

    def keep(self) -> None:
        """Move the files to where they belong, each at once and whole, parents first."""
        files = set(self._files())
        for path in [one.path for one in self.history.revisions() if one.path in files]:
            final = self._final(path)
            final.parent.mkdir(parents=True, exist_ok=True)
            unfinished = final.with_name(f".#{final.name}")  # which Alembic leaves out
            unfinished.write_bytes(path.read_bytes())
            unfinished.replace(final)

    def keep_instead(self, revision: Revision, others: Sequence[Path]) -> Path:
        """Move one file to where it belongs, in the place of others, and return its path."""
        final = self._final(revision.path)
        unfinished = final.with_name(f".#{final.name}")  # which Alembic leaves out
        unfinished.write_bytes(revision.path.read_bytes())
        for path in others:
            path.unlink()
        unfinished.replace(final)
        return final

    def _files(self) -> list[Path]:
        return [path for path in self.history.folder.rglob("*.py") if path.name != "head.py"]

    def _final(self, path: Path) -> Path:
        return self.target.folder / path.relative_to(self.history.folder)


@contextmanager
def draft(project: Project, target: History) -> Iterator[Draft]:
    """Give a draft that follows the head of a history; its folder goes with the block.

    Raises:
        SeveralHeadsError: two revisions follow the same one.

    """
    head = target.head()
    with following(project, target, head.id if head else None) as made:
        yield made


@contextmanager
def following(project: Project, target: History, head: str | None) -> Iterator[Draft]:
    """Give a draft that follows any revision of a history; its folder goes with the block."""
    project.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="draft-", dir=project.home) as folder:
        if head:
            (Path(folder) / "head.py").write_text(STAND_IN.format(head), encoding="utf-8")
        yield Draft(History(target.script_location, Path(folder)), target, head)


def _format(path: Path, final: Path) -> None:
    # Under its final name, for which the repository may have settings of its own.
    folder = next(parent for parent in final.parents if parent.exists())
    text = path.read_text(encoding="utf-8")
    for command in (["check", "--fix-only", "--extend-select", "I,F401"], ["format"]):
        try:
            text = ruff(folder, [*command, "--stdin-filename", str(final), "-"], text)
        except RuffError as error:
            raise ProofError(f"the revision could not be formatted: {error.message}") from error
    path.write_text(text, encoding="utf-8")
