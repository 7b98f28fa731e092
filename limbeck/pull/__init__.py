"""A live schema as SQLAlchemy models: written, proved, and merged into those there are.

source(catalog, options=Options()) gives the text of each file by its relative path ("models.py"
in the layout "file"). prove(files, catalog, scratch, options) creates them in an empty Database
and compares: str(proof) is "42 tables, 317 columns, 118 indexes, 9 views: exact".
merge(metadata, before, live, options) says how imported working models have to change: the
Merge has files, diff(), new, changed, gone, left, and write(force=False).
fresh() and into() do all of it: for a new file or folder, for the working models of a project.
"""

from __future__ import annotations

from limbeck.pull.merge import Merge, merge
from limbeck.pull.options import Layout, Options, Style
from limbeck.pull.proof import Proof, compared, prove
from limbeck.pull.pulling import fresh, into
from limbeck.pull.source import source

__all__ = [
    "Layout",
    "Merge",
    "Options",
    "Proof",
    "Style",
    "compared",
    "fresh",
    "into",
    "merge",
    "prove",
    "source",
]
