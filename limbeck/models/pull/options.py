"""What can be chosen about pulled models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Layout: TypeAlias = Literal["file", "package"]
Style: TypeAlias = Literal["declarative", "dataclass", "sqlmodel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How pulled models are laid out.

    `package` is the dotted name that the models will be imported by: modules of the package
    layout import each other by it. `root` is a folder of the repository whose formatting is
    followed; with none, ruff's own defaults are. `style` says what the classes are: declarative,
    dataclasses too (SQLAlchemy's MappedAsDataclass), or of SQLModel.
    """

    layout: Layout = "package"
    package: str = "models"
    style: Style = "declarative"
    root: Path | None = None
