"""Choices about pulled models: layout, package, style."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
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
    dataclass (SQLAlchemy's MappedAsDataclass) or sqlmodel. `names` are chosen by the user: for a
    table or an enum, a "table.column", or both sides of a "table.foreign_key".
    """

    layout: Layout = "package"
    package: str = "models"
    style: Style = "declarative"
    root: Path | None = None
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
