"""What can be chosen about pulled models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Layout: TypeAlias = Literal["file", "package"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How pulled models are laid out.

    `package` is the dotted name that the models will be imported by: modules of the package
    layout import each other by it. `base` is (module, class) of a declarative base that is
    already there, then none is written; `convention` is the naming convention of its MetaData.
    `root` is a folder of the repository whose formatting is followed.
    """

    layout: Layout = "package"
    package: str = "models"
    base: tuple[str, str] | None = None
    convention: Mapping[str, str] | None = None
    root: Path | None = None
