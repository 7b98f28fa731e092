"""The result of a merge: the files to write, and the changes left to make by hand."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError
from limbeck.project.git import uncommitted
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.renames.rename import Rename


@dataclass(frozen=True, slots=True)
class Merge:
    """The result of a merge; write() writes it.

    `files` has the new text of every file that is new or changes, `before` the present text of
    those that change. `new` and `changed` are tables, `gone` is in the models but not in the
    database; `left` describes each difference that has to be resolved by hand, and `notes` what
    would make the models better; `renamed` are the tables and columns whose classes and attributes
    keep their names.
    """

    files: Mapping[Path, str]
    before: Mapping[Path, str]
    new: tuple[Address, ...] = ()
    changed: tuple[Address, ...] = ()
    gone: tuple[Address, ...] = ()
    left: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    renamed: tuple[Rename, ...] = ()

    def diff(self, root: Path | None = None) -> str:
        """Return a unified diff, with paths relative to a folder."""
        return "".join(
            line
            for path, text in sorted(self.files.items())
            for line in difflib.unified_diff(
                self.before.get(path, "").splitlines(keepends=True),
                text.splitlines(keepends=True),
                f"a/{relative(path, root)}" if path in self.before else "/dev/null",
                f"b/{relative(path, root)}",
            )
        )

    def write(self, *, force: bool = False) -> tuple[Path, ...]:
        """Write the files and return their paths.

        Args:
            force: whether to overwrite files with uncommitted changes.

        Raises:
            ConfigurationError: a file has uncommitted changes, so that nothing was written; or the
                place is not writable.

        """
        unsaved = () if force else tuple(uncommitted(self.before))
        if unsaved:
            listed = ", ".join(path.name for path in unsaved)
            raise ConfigurationError(
                f"these files have changes that are not committed: {listed}",
                hint="Commit them first, or add --force.",
            )
        try:
            for folder in {path.parent for path in self.files}:
                folder.mkdir(parents=True, exist_ok=True)
            for path, text in self.files.items():
                path.write_bytes(text.encode())
        except OSError as error:
            raise unwritable(Path(error.filename or "."), error.strerror) from error
        return tuple(sorted(self.files))


def unwritable(path: Path, reason: str | None) -> ConfigurationError:
    """Return the error about a place where models cannot be written."""
    return ConfigurationError(
        f"{path} cannot be written: {reason or 'no reason given'}",
        hint="Choose another place with --out.",
    )


def relative(path: Path, root: Path | None) -> str:
    """Return a path as seen from a folder, if it is in there."""
    return str(path.relative_to(root)) if root and path.is_relative_to(root) else str(path)
