"""How working models have to change, as files."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from limbeck.errors import ConfigurationError
from limbeck.project.git import uncommitted
from limbeck.schema.catalog.objects.address import Address


@dataclass(frozen=True, slots=True)
class Merge:
    """What merging comes to: nothing is written before write().

    `files` has the new text of every file that is new or changes, `before` what the changed ones
    hold now. `new` and `changed` are tables, `gone` is in the models but not in the database;
    `left` says in words what differs and has to be changed by hand.
    """

    files: Mapping[Path, str]
    before: Mapping[Path, str]
    new: tuple[Address, ...] = ()
    changed: tuple[Address, ...] = ()
    gone: tuple[Address, ...] = ()
    left: tuple[str, ...] = ()

    def diff(self, root: Path | None = None) -> str:
        """Return a unified diff, with paths relative to a folder."""
        return "".join(
            line
            for path, text in sorted(self.files.items())
            for line in difflib.unified_diff(
                self.before.get(path, "").splitlines(keepends=True),
                text.splitlines(keepends=True),
                f"a/{_relative(path, root)}" if path in self.before else "/dev/null",
                f"b/{_relative(path, root)}",
            )
        )

    def write(self, *, force: bool = False) -> tuple[Path, ...]:
        """Write the files and return their paths.

        Args:
            force: whether files with uncommitted changes are overwritten, too.

        Raises:
            ConfigurationError: a file has changes that git does not have; nothing was written.

        """
        unsaved = () if force else tuple(uncommitted(self.before))
        if unsaved:
            listed = ", ".join(path.name for path in unsaved)
            raise ConfigurationError(
                f"not overwritten, for git does not have them as they are: {listed}",
                hint="Commit them first, or add --force.",
            )
        for folder in {path.parent for path in self.files}:
            folder.mkdir(parents=True, exist_ok=True)
        for path, text in self.files.items():
            path.write_bytes(text.encode())
        return tuple(sorted(self.files))


def _relative(path: Path, root: Path | None) -> str:
    return str(path.relative_to(root)) if root and path.is_relative_to(root) else str(path)
