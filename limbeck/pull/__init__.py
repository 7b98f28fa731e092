"""A live schema as SQLAlchemy models: written, proved, and merged into those there are.

source(catalog, options=Options()) -> Mapping[str, str]
The text of each file by its relative path ("models.py" in the layout "file").
Options(layout="package" | "file", package="app.models", base=None, convention=None, root=None)
"""

from __future__ import annotations

from limbeck.pull.options import Layout, Options
from limbeck.pull.source import source

__all__ = ["Layout", "Options", "source"]
