"""The files of the working models, and a draft of each that is changed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.errors import ModelsError
from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.imports import used_names
from limbeck.models.pull.edit.known import Working
from limbeck.models.pull.edit.syntax import Parsed
from limbeck.models.pull.render.modules import Home


@dataclass(frozen=True, slots=True)
class Workplace:
    """The files of the working models.

    `init` is the package's __init__.py, or the only module; `together` the module that receives
    new classes, None where each gets its own; `base_has_tables` tells that the module of the base
    has tables, too. `renamed` are the texts with the new names of tables and columns.
    """

    package: str
    init: Path
    home: Home
    together: str | None
    base_has_tables: bool
    modules: tuple[Path, ...]
    drafts: dict[Path, Draft] = field(default_factory=dict)
    renamed: dict[Path, str] = field(default_factory=dict)

    @classmethod
    def of(cls, package: str, known: Working) -> Workplace:
        """Find the files of a package (or module) that is imported.

        Raises:
            ModelsError: it was not imported, or has no file.

        """
        init = _file(package)
        single = init.name != "__init__.py"
        homes = {table.module for table in known.tables.values()}
        has_tables = known.base[0] in homes
        together = homes.pop() if len(homes) == 1 and len(known.tables) > 1 else None
        if single or known.base[0] == "":
            # A module below the package could not import the base from it.
            together = ""
        elsewhere = {table.module[1:] for table in known.tables.values() if table.module[:1] == ":"}
        named = {name for name in sys.modules if f"{name}.".startswith(f"{package}.")}
        files = {path for name in {*elsewhere, *named} if (path := _path(name)) is not None}
        home = Home(None if single else package, known.base, known.style)
        return cls(package, init, home, together, has_tables, tuple(sorted(files)))

    def path(self, module: str) -> Path:
        """Return the file of a module: inside the package, or outside with a colon in front."""
        if module.startswith(":"):
            return _file(module[1:])
        if self.init.name != "__init__.py" or not module:
            return self.init
        folder = self.init.parent.joinpath(*module.split("."))
        inside = folder / "__init__.py"
        return inside if inside.is_file() else folder.with_suffix(".py")

    def names(self) -> frozenset[str]:
        """Return the names in use at the top of the modules that receive new classes."""
        receive = {self.init, *(self.path(name) for name in {"enums", self.together or "enums"})}
        texts = (text for path in receive if (text := self.read(path)) is not None)
        return frozenset[str]().union(*(used_names(text) for text in texts))

    def draft(self, module: str) -> Draft:
        """Return the draft of a module that exists."""
        return self.draft_at(self.path(module))

    def all_drafts(self) -> Iterator[Draft]:
        """Yield a draft of every module of the models."""
        return (self.draft_at(path) for path in self.modules)

    def results(self) -> dict[Path, str]:
        """Return the text of every module that has changed."""
        texts = {path: draft.result(self.home) for path, draft in self.drafts.items()}
        changed = {
            path: text for path, text in texts.items() if text != self.drafts[path].parsed.text
        }
        return {**self.renamed, **changed}

    def draft_at(self, path: Path) -> Draft:
        """Return the draft of a file."""
        if path not in self.drafts:
            self.drafts[path] = Draft(Parsed.of((self.read(path) or "").replace("\r\n", "\n")))
        return self.drafts[path]

    def read(self, path: Path) -> str | None:
        """Return a file's text, with the new names if any; None where there is no file."""
        return self.renamed.get(path) or read(path)

    def rewrite(self, path: Path, draft: Draft) -> None:
        """Begin again with the result of a draft, and with what is left to do in it."""
        text = draft.result(self.home)
        if text != draft.parsed.text:
            self.renamed[path] = text
        self.drafts.pop(path, None)
        self.draft_at(path).left += draft.left


def _file(module: str) -> Path:
    path = _path(module)
    if path is None:
        raise ModelsError(f"the module {module} was not imported, or has no file")
    return path


def _path(module: str) -> Path | None:
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(file) if file else None


def read(path: Path) -> str | None:
    """Return a file's text with its own line ends, None where there is no file."""
    return path.read_bytes().decode() if path.is_file() else None
