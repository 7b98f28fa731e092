"""User code imported into limbeck's own process: one implementation of `UserCode`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from limbeck.dataclass import dataclass
from limbeck.project.code import modules
from limbeck.project.code.protocol import Purpose

if TYPE_CHECKING:
    from sqlalchemy import MetaData


@dataclass(frozen=True, slots=True)
class InProcess:
    """The Python files of the project in a folder; `paths` are others to import from."""

    root: Path
    paths: tuple[str, ...] = ()

    def metadata(self, reference: str) -> MetaData:
        """Return the tables of the models at "module:attribute"."""
        from limbeck.project.code import metadata  # noqa: PLC0415 - SQLAlchemy only for models

        return metadata.load(self.root, reference, self.paths)

    def namespace(self, module: str, purpose: Purpose) -> Mapping[str, Any]:
        """Return the names of a module with their values."""
        return vars(modules.load(self.root, module, purpose, self.paths))

    def revision(self, path: Path) -> ModuleType:
        """Return the module of a revision file, imported as Alembic does it."""
        # By its path and not in sys.modules: the file names of revisions are no module names, and
        # two histories may have the same one.
        spec = util.spec_from_file_location(re.sub(r"\W", "_", path.name), path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is not a Python file")
        module = util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def prepare(self, purpose: str) -> None:
        """Do nothing: this process runs already."""

    def expect(self, revisions: Sequence[Path]) -> None:
        """Do nothing, as above: whoever runs them imports them."""
