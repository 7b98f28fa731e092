"""Choices about pulled models: layout, package, style."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from limbeck.dataclass import dataclass

Layout: TypeAlias = Literal["file", "package"]
Style: TypeAlias = Literal["declarative", "dataclass", "sqlmodel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Choices about pulled models.

    `package` is the dotted name by which the models will be imported: modules of the package
    layout import each other by it. `root` is a folder of the repository whose ruff settings
    apply; without one, ruff's defaults do. `style` is that of the classes: declarative,
    dataclass (SQLAlchemy's MappedAsDataclass) or sqlmodel.
    """

    layout: Layout = "package"
    package: str = "models"
    style: Style = "declarative"
    root: Path | None = None
