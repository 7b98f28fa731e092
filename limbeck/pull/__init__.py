"""A live schema as SQLAlchemy models: written, proved, and merged into those there are.

source(catalog, options=Options()) gives the text of each file by its relative path ("models.py"
in the layout "file"). prove(files, catalog, scratch, options) creates them in an empty Database
and compares: str(proof) is "42 tables, 317 columns, 118 indexes, 9 views: exact".
merge(metadata, before, live, options) says how imported working models have to change: the
Merge has files, diff(), new, changed, gone, left, and write(force=False).
fresh() and into() do all of it: for a new file or folder, for the working models of a project.

Each is imported when it is first used: reading a database needs none of what writes models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck.lazily import attributes

if TYPE_CHECKING:
    from limbeck.pull.merged import Merge
    from limbeck.pull.merging import merge
    from limbeck.pull.options import Layout, Options, Style
    from limbeck.pull.proof import Proof, compared
    from limbeck.pull.proving import prove
    from limbeck.pull.pulling import fresh, into
    from limbeck.pull.writing import source

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

if not TYPE_CHECKING:  # a type checker would take any name for one of them
    __getattr__ = attributes(
        __name__,
        {
            "Layout": "options",
            "Merge": "merged",
            "Options": "options",
            "Proof": "proof",
            "Style": "options",
            "compared": "proof",
            "fresh": "pulling",
            "into": "pulling",
            "merge": "merging",
            "prove": "proving",
            "source": "writing",
        },
    )
